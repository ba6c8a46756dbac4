import { useTranslation } from "react-i18next";

import type { Branding } from "../branding/branding";
import { Door } from "../layout/door";
import { useSignOut } from "../layout/sign-out";
import { Button } from "../ui/button";
import { PasswordFields, usePasswordChange } from "./change-password";

export function FirstPassword({ branding }: { branding: Branding }) {
  const { t } = useTranslation();
  const form = usePasswordChange();
  const signOut = useSignOut();
  return (
    <Door branding={branding} title={t("password.title")} lead={t("password.lead")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          form.submit();
        }}
      >
        <PasswordFields form={form} />
        <Button look="primary" type="submit" disabled={form.change.isPending}>
          {t("password.submit")}
        </Button>
        <Button
          look="ghost"
          onClick={() => {
            signOut.mutate();
          }}
        >
          {t("account.signOut")}
        </Button>
      </form>
    </Door>
  );
}
