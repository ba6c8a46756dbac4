import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { Button, IconButton } from "../ui/button";
import { Failure } from "../ui/failure";
import { Icon } from "../ui/icon";
import { useRetryDocument, type Document } from "./documents";
import { formatDate, formatSize } from "./format";
import type { Upload } from "./upload";

export function UploadRow({
  upload,
  onDismiss,
  onShow,
}: {
  upload: Upload;
  onDismiss: (upload: Upload) => void;
  onShow: (documentId: string) => void;
}) {
  const { t } = useTranslation();
  const { name, error, twin } = upload;
  const running = error === null;
  return (
    <li className="document">
      <Icon name="documents" />
      <div className="document-main">
        <span className="document-name">{name}</span>
        {running ? (
          <progress value={upload.share} aria-label={t("documents.uploading")} />
        ) : (
          <p className="failure" role="alert">
            {error}
          </p>
        )}
      </div>
      {running && <span className="state">{t("documents.uploading")}</span>}
      <div className="document-actions">
        {twin !== null && (
          <Button
            onClick={() => {
              onShow(twin);
            }}
          >
            {t("documents.show")}
          </Button>
        )}
        <IconButton
          icon="close"
          label={t(running ? "documents.cancel" : "documents.dismiss", { name })}
          onClick={() => {
            onDismiss(upload);
          }}
        />
      </div>
    </li>
  );
}

interface Props {
  document: Document;
  onDelete: (document: Document) => void;
  pointedAt: boolean;
}

export function DocumentRow({ document, onDelete, pointedAt }: Props) {
  const { t } = useTranslation();
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (pointedAt) link.current?.focus();
  }, [pointedAt]);
  const working = document.state === "queued" || document.state === "processing";
  return (
    <li className="document" data-state={document.state}>
      <Icon name="documents" />
      <div className="document-main">
        <a
          ref={link}
          className="document-name"
          href={`/api/v1/documents/${document.id}/file`}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={t("documents.open", { name: document.name })}
          title={document.name}
        >
          {document.name}
        </a>
        <Facts document={document} />
        {working && <progress value={document.job.progress} aria-label={stage(t, document)} />}
      </div>
      <span className="state" data-state={document.state}>
        {stage(t, document)}
      </span>
      <div className="document-actions">
        <IconButton
          icon="trash"
          label={t("documents.delete", { name: document.name })}
          onClick={() => {
            onDelete(document);
          }}
        />
      </div>
      {document.job.failure && (
        <div className="document-failure">
          <p className="failure">{document.job.failure.message}</p>
          {document.job.failure.retryable && <Retry document={document} />}
        </div>
      )}
    </li>
  );
}

function Facts({ document }: { document: Document }) {
  const { t, i18n } = useTranslation();
  const pages = document.page_count;
  const key = document.paged ? "documents.pages" : "documents.sections";
  const facts = [
    formatSize(document.size, i18n.language),
    pages === null ? null : t(key, { count: pages }),
    formatDate(document.created_at, i18n.language),
  ];
  return <p className="facts">{facts.filter((fact) => fact !== null).join(" · ")}</p>;
}

function Retry({ document }: { document: Document }) {
  const { t } = useTranslation();
  const retry = useRetryDocument();
  return (
    <>
      <Failure error={retry.error} />
      <Button
        icon="retry"
        disabled={retry.isPending}
        onClick={() => {
          retry.mutate(document.id);
        }}
      >
        {t("documents.retry")}
      </Button>
    </>
  );
}

export function stage(t: ReturnType<typeof useTranslation>["t"], document: Document): string {
  if (document.state === "ready") return t("documents.ready");
  if (document.state === "failed") return t("documents.failed");
  const step = document.job.stage;
  return t(step === "finished" ? "documents.indexing" : `documents.${step}`);
}
