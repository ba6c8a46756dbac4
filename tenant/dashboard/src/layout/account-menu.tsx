import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { PasswordFields, usePasswordChange } from "../auth/change-password";
import type { Me } from "../auth/session";
import { applyTheme, storedTheme, THEMES, type Theme } from "../theme/theme";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Failure } from "../ui/failure";
import { Icon } from "../ui/icon";
import { Choice } from "./choice";
import { LanguageChoice } from "./language-choice";
import { useSignOut } from "./sign-out";

export function AccountMenu({ me, languages }: { me: Me; languages: string[] }) {
  const { t } = useTranslation();
  const [changing, setChanging] = useState(false);
  const menu = useId();
  const signOut = useSignOut();
  return (
    <div className="account">
      <button
        type="button"
        className="account-button"
        popoverTarget={menu}
        aria-label={t("account.menuOf", { email: me.email })}
        title={me.email}
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
          popoverTargetAction="hide"
          onClick={() => {
            setChanging(true);
          }}
        >
          {t("account.password")}
        </Button>
        <Button
          look="ghost"
          disabled={signOut.isPending}
          onClick={() => {
            signOut.mutate();
          }}
        >
          {t("account.signOut")}
        </Button>
        <Failure error={signOut.error} />
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

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const form = usePasswordChange();
  if (form.change.isSuccess) return <PasswordChanged onClose={onClose} />;
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

function PasswordChanged({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const close = (
    <Button look="primary" onClick={onClose}>
      {t("app.close")}
    </Button>
  );
  return (
    <Dialog title={t("password.changeTitle")} onClose={onClose} actions={close}>
      <p role="status">{t("password.changed")}</p>
    </Dialog>
  );
}
