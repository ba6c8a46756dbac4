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

function known(text: string | null | undefined): Language | undefined {
  return LANGUAGES.find((language) => text?.toLowerCase().startsWith(language));
}

/** The language to start with; `fallback` is the tenant's default. */
export function startLanguage(fallback: string): Language {
  return (
    known(localStorage.getItem(STORED)) ?? known(navigator.language) ?? known(fallback) ?? "de"
  );
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

export function chooseLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
  void i18next.changeLanguage(language);
}
