import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "../api/client";
import type { Branding } from "../branding/branding";
import { BrandMark } from "../layout/brand-mark";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { PasswordField } from "./password-field";
import { changeAccount } from "./session";

export function SignIn({ branding }: { branding: Branding }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const id = useId();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: async () => body(await api.POST("/api/v1/session", { body: { email, password } })),
    onSuccess: (me) => {
      changeAccount(queries, me);
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <main className="door">
      <form className="card door-card" onSubmit={submit}>
        <BrandMark branding={branding} large />
        <div>
          <h1>{t("signIn.title")}</h1>
          <p className="lead">{t("signIn.lead")}</p>
        </div>
        {signIn.error && <Notice>{signIn.error.message || t("app.unreachable")}</Notice>}
        <div className="field">
          <label htmlFor={id}>{t("signIn.email")}</label>
          <input
            id={id}
            type="email"
            value={email}
            onChange={(event) => {
              setEmail(event.target.value);
            }}
            autoComplete="username"
            autoFocus
            required
          />
        </div>
        <PasswordField
          label={t("signIn.password")}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
        />
        <Button look="primary" type="submit" disabled={signIn.isPending}>
          {t("signIn.submit")}
        </Button>
      </form>
    </main>
  );
}
