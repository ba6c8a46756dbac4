import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { sentenceOf } from "../api/client";

import { Notice } from "./notice";

/** Why a request failed, in the reader's language; nothing while there is no error. */
export function Failure({ error, actions }: { error: Error | null; actions?: ReactNode }) {
  const { t } = useTranslation();
  if (error === null) return null;
  return <Notice actions={actions}>{sentenceOf(error) || t("app.unreachable")}</Notice>;
}
