import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { api } from "../api/client";
import { PasswordFields, usePasswordChange } from "../auth/change-password";
import { changeAccount, type Me } from "../auth/session";
import { chooseLanguage, LANGUAGES, type Language } from "../i18n";
import { applyTheme, storedTheme, THEMES, type Theme } from "../theme/theme";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icon";

const LANGUAGE_NAMES: Record<Language, string> = { de: "Deutsch", en: "English" };

export function AccountMenu({ me, languages }: { me: Me; languages: string[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [changing, setChanging] = useState(false);
  const menu = useId();
  const signOut = useMutation({
    mutationFn: () => api.DELETE("/api/v1/session"),
    onSettled: () => {
      changeAccount(queries, null);
    },
  });
  return (
    <div className="account">
      <button
        type="button"
        className="account-button"
        popoverTarget={menu}
        aria-label={t("account.menu")}
      >
        <Icon name="person" />
        <span>{me.email}</span>
      </button>
      <div id={menu} popover="auto" className="menu account-popover">
        <LanguageChoice languages={languages} />
        <ThemeChoice />
        <Button
          look="ghost"
          popoverTarget={menu}
          onClick={() => {
            setChanging(true);
          }}
        >
          {t("account.password")}
        </Button>
        <Button
          look="ghost"
          onClick={() => {
            signOut.mutate();
          }}
        >
          {t("account.signOut")}
        </Button>
      </div>
      {changing && (
        <PasswordDialog
          onClose={() => {
            setChanging(false);
          }}
        />
      )}
    </div>
  );
}

function LanguageChoice({ languages }: { languages: string[] }) {
  const { t, i18n } = useTranslation();
  const offered = LANGUAGES.filter((language) => languages.includes(language));
  return (
    <Choice
      label={t("account.language")}
      value={i18n.language}
      options={offered.map((language) => [language, LANGUAGE_NAMES[language]])}
      onChange={(value) => {
        chooseLanguage(value as Language);
      }}
    />
  );
}

function ThemeChoice() {
  const { t } = useTranslation();
  const [theme, setTheme] = useState(storedTheme);
  return (
    <Choice
      label={t("account.theme")}
      value={theme}
      options={THEMES.map((name) => [name, t(`theme.${name}`)])}
      onChange={(value) => {
        applyTheme(value as Theme);
        setTheme(value as Theme);
      }}
    />
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      <div className="segments">
        {options.map(([key, text]) => (
          <label key={key} className="segment">
            <input
              type="radio"
              name={id}
              checked={value === key}
              onChange={() => {
                onChange(key);
              }}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const form = usePasswordChange(onClose);
  const actions = (
    <>
      <Button onClick={onClose}>{t("app.cancel")}</Button>
      <Button look="primary" type="submit" disabled={form.change.isPending}>
        {t("app.save")}
      </Button>
    </>
  );
  return (
    <Dialog
      title={t("password.changeTitle")}
      onClose={onClose}
      onSubmit={form.submit}
      actions={actions}
    >
      <PasswordFields form={form} />
    </Dialog>
  );
}
