import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "../api/client";
import type { Branding } from "../branding/branding";
import { Door } from "../layout/door";
import { Button } from "../ui/button";
import { Failure } from "../ui/failure";
import { Notice } from "../ui/notice";
import { PasswordField } from "./password-field";
import { setSession } from "./session";

interface Props {
  branding: Branding;
  expired?: boolean;
}

export function SignIn({ branding, expired = false }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const id = useId();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: async () => body(await api.POST("/api/v1/session", { body: { email, password } })),
    onSuccess: (me) => {
      setSession(queries, { me });
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!signIn.isPending) signIn.mutate();
  };
  return (
    <Door branding={branding} title={t("signIn.title")} lead={t("signIn.lead")}>
      <form onSubmit={submit}>
        {expired && signIn.isIdle && <Notice>{t("signIn.expired")}</Notice>}
        <Failure error={signIn.error} />
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
    </Door>
  );
}
