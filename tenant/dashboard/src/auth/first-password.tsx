import { useTranslation } from "react-i18next";

import type { Branding } from "../branding/branding";
import { BrandMark } from "../layout/brand-mark";
import { Button } from "../ui/button";
import { PasswordFields, usePasswordChange } from "./change-password";

export function FirstPassword({ branding }: { branding: Branding }) {
  const { t } = useTranslation();
  const form = usePasswordChange();
  return (
    <main className="door">
      <form
        className="card door-card"
        onSubmit={(event) => {
          event.preventDefault();
          form.submit();
        }}
      >
        <BrandMark branding={branding} large />
        <div>
          <h1>{t("password.title")}</h1>
          <p className="lead">{t("password.lead")}</p>
        </div>
        <PasswordFields form={form} />
        <Button look="primary" type="submit" disabled={form.change.isPending}>
          {t("password.submit")}
        </Button>
      </form>
    </main>
  );
}
