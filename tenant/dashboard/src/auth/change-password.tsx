import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "../api/client";
import { Failure } from "../ui/failure";
import { Notice } from "../ui/notice";
import { PasswordField } from "./password-field";
import { SESSION, type Session } from "./session";

const MINIMUM = 12;

/** State and fields of a password change, for the first sign-in and for the account menu. */
export function usePasswordChange() {
  const queries = useQueryClient();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [repeated, setRepeated] = useState("");
  const change = useMutation({
    mutationFn: async () =>
      body(
        await api.POST("/api/v1/session/password", {
          body: { current_password: current, new_password: next },
        }),
      ),
    onSuccess: (me) => {
      queries.setQueryData<Session>(SESSION, { me });
    },
  });
  // While the repetition still is the beginning of the new password, nothing is wrong yet.
  const mismatch = !next.startsWith(repeated);
  const submit = () => {
    if (next === repeated && !change.isPending) change.mutate();
  };
  return { current, setCurrent, next, setNext, repeated, setRepeated, mismatch, change, submit };
}

export function PasswordFields({ form }: { form: ReturnType<typeof usePasswordChange> }) {
  const { t } = useTranslation();
  return (
    <>
      {form.mismatch ? (
        <Notice>{t("password.mismatch")}</Notice>
      ) : (
        <Failure error={form.change.error} />
      )}
      <PasswordField
        label={t("password.current")}
        value={form.current}
        onChange={form.setCurrent}
        autoComplete="current-password"
      />
      <PasswordField
        label={t("password.new")}
        value={form.next}
        onChange={form.setNext}
        autoComplete="new-password"
        hint={t("password.rule")}
        minLength={MINIMUM}
      />
      <PasswordField
        label={t("password.repeat")}
        value={form.repeated}
        onChange={form.setRepeated}
        autoComplete="new-password"
        minLength={MINIMUM}
      />
    </>
  );
}
