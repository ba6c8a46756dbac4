import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { IconButton } from "../ui/button";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoComplete: "current-password" | "new-password";
  hint?: string;
  minLength?: number;
}

export function PasswordField({ label, value, onChange, autoComplete, hint, minLength }: Props) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="with-button">
        <input
          id={id}
          type={shown ? "text" : "password"}
          value={value}
          onChange={(event) => {
            onChange(event.target.value);
          }}
          autoComplete={autoComplete}
          aria-describedby={hint ? `${id}-hint` : undefined}
          minLength={minLength}
          maxLength={1024}
          required
        />
        <IconButton
          icon="eye"
          label={t(shown ? "signIn.hide" : "signIn.show")}
          aria-pressed={shown}
          onClick={() => {
            setShown(!shown);
          }}
        />
      </div>
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}
