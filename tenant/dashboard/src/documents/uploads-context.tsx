import { createContext, useContext, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { mebibytes, useUploads } from "./upload";

type Uploads = ReturnType<typeof useUploads>;

const Context = createContext<Uploads | null>(null);

/** Above the pages, so that an upload goes on while the person reads another one. */
export function UploadsProvider({ limit, children }: { limit: number; children: ReactNode }) {
  const { t } = useTranslation();
  const uploads = useUploads({
    limit,
    tooLarge: t("documents.tooLarge", { limit: mebibytes(limit) }),
    unreachable: t("app.unreachable"),
  });
  return <Context value={uploads}>{children}</Context>;
}

export function useSharedUploads(): Uploads {
  const uploads = useContext(Context);
  if (uploads === null) throw new Error("UploadsProvider is missing above this component.");
  return uploads;
}
