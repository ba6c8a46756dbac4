import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "../ui/icon";
import { hasFinePointer } from "../ui/pointer";
import { mebibytes } from "./upload";

const ACCEPTED = ".pdf,.docx,.html,.htm,.md,.markdown,.txt";

interface Props {
  onFiles: (files: Iterable<File>) => void;
  large: boolean;
  /** Size of the largest file that is taken, in bytes. */
  limit: number;
}

/** Takes files dropped anywhere on the page: beside the zone, a browser would open them instead. */
export function DropZone({ onFiles, large, limit }: Props) {
  const { t } = useTranslation();
  const active = useDrop(onFiles);
  const id = useId();
  const invitation = hasFinePointer() ? "documents.drop" : "documents.choose";
  return (
    <div className={`drop-zone ${active ? "active" : ""} ${large ? "large" : ""}`}>
      <Icon name="upload" />
      {large && <h2>{t("documents.empty")}</h2>}
      {large && <p className="lead">{t("documents.emptyText")}</p>}
      <label htmlFor={id} className="drop-label">
        {t(active ? "documents.dropActive" : invitation)}
      </label>
      <p className="hint">{t("documents.formats", { limit: mebibytes(limit) })}</p>
      <input
        id={id}
        type="file"
        className="visually-hidden"
        multiple
        accept={ACCEPTED}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
    </div>
  );
}

function useDrop(onFiles: Props["onFiles"]): boolean {
  const [active, setActive] = useState(false);
  useEffect(() => {
    const listening = new AbortController();
    const on = (name: "dragover" | "dragleave" | "drop", handle: (event: DragEvent) => void) => {
      window.addEventListener(name, handle, { signal: listening.signal });
    };
    on("dragover", (event) => {
      event.preventDefault();
      setActive(true);
    });
    on("dragleave", (event) => {
      if (event.relatedTarget === null) setActive(false);
    });
    on("drop", (event) => {
      event.preventDefault();
      setActive(false);
      onFiles(event.dataTransfer?.files ?? []);
    });
    return () => {
      listening.abort();
    };
  }, [onFiles]);
  return active;
}
