// Texts in German and English. The language is the person's choice, else the browser's, else the
// tenant's first; it also decides in which language the agent words its messages.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import { setRequestLanguage } from "../api/client";
import { de } from "./de";
import { en } from "./en";

export const LANGUAGES = ["de", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const STORED = "language";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof de };
    keySeparator: false;
  }
}

/** The tenant's languages there are texts in; all when there are none. */
export function offeredLanguages(wanted: readonly string[]): readonly Language[] {
  const offered = LANGUAGES.filter((language) => wanted.includes(language));
  return offered.length > 0 ? offered : LANGUAGES;
}

/** The first wish that is offered, else the first language that is. */
export function startLanguage(
  offered: readonly Language[],
  wishes: readonly (string | null)[],
): Language {
  const found = wishes
    .map((wish) => offered.find((language) => wish?.toLowerCase().startsWith(language)))
    .find((language) => language !== undefined);
  return found ?? offered[0] ?? "de";
}

/** What is known about the person's wishes, strongest first. */
export function languageWishes(fallback: string): (string | null)[] {
  return [localStorage.getItem(STORED), ...navigator.languages, fallback];
}

export async function startTexts(language: Language): Promise<void> {
  i18next.on("languageChanged", (next) => {
    document.documentElement.lang = next;
    setRequestLanguage(next);
  });
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    keySeparator: false,
    interpolation: { escapeValue: false },
    resources: { de: { translation: de }, en: { translation: en } },
  });
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(STORED, language);
  await i18next.changeLanguage(language);
}
