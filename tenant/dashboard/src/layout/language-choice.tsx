import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { SESSION } from "../auth/session";
import { chooseLanguage, offeredLanguages, type Language } from "../i18n";
import { Choice } from "./choice";

const NAMES: Record<Language, string> = { de: "Deutsch", en: "English" };

interface Props {
  languages: string[];
  quiet?: boolean;
}

/** Absent where the tenant offers one language only. */
export function LanguageChoice({ languages, quiet = false }: Props) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const offered = offeredLanguages(languages);
  if (offered.length < 2) return null;
  const choose = async (language: string) => {
    await chooseLanguage(language as Language);
    // The agent's own sentences come in the language they were asked in.
    await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] });
  };
  return (
    <Choice
      label={t("account.language")}
      value={i18n.language}
      options={offered.map((language) => [language, NAMES[language]])}
      onChange={(language) => void choose(language)}
      quiet={quiet}
    />
  );
}
