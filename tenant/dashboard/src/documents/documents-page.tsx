import { useId, useState, type DragEvent } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { Loading, Notice } from "../ui/notice";
import { DocumentRow, UploadRow } from "./document-row";
import { useDeleteDocument, useDocuments, useLiveDocuments, type Document } from "./documents";
import { useUploads } from "./upload";

export default function DocumentsPage() {
  const { t } = useTranslation();
  useLiveDocuments();
  const documents = useDocuments();
  const { uploads, add, dismiss } = useUploads(t("app.unreachable"));
  const [filter, setFilter] = useState("");
  const [deleting, setDeleting] = useState<Document | null>(null);
  const all = documents.data ?? [];
  const wanted = filter.trim().toLowerCase();
  const shown = all.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{t("documents.title")}</h1>
          <p className="lead">{t("documents.lead")}</p>
        </div>
        {all.length > 0 && (
          <span className="count">{t("documents.count", { count: all.length })}</span>
        )}
      </header>
      <DropZone onFiles={add} large={all.length === 0} />
      {all.length > 5 && (
        <input
          type="search"
          placeholder={t("documents.filter")}
          aria-label={t("documents.filter")}
          value={filter}
          onChange={(event) => {
            setFilter(event.target.value);
          }}
        />
      )}
      {documents.isPending && <Loading label={t("app.loading")} />}
      {documents.isError && <Notice>{documents.error.message || t("app.unreachable")}</Notice>}
      {wanted !== "" && shown.length === 0 && (
        <p className="hint">{t("documents.noMatch", { filter: filter.trim() })}</p>
      )}
      <ul className="documents">
        {uploads.map((upload) => (
          <UploadRow key={upload.key} upload={upload} onDismiss={dismiss} />
        ))}
        {shown.map((document) => (
          <DocumentRow key={document.id} document={document} onDelete={setDeleting} />
        ))}
      </ul>
      {deleting && (
        <DeleteDialog
          document={deleting}
          onClose={() => {
            setDeleting(null);
          }}
        />
      )}
    </div>
  );
}

const ACCEPTED = ".pdf,.docx,.html,.htm,.md,.markdown,.txt";

function DropZone({
  onFiles,
  large,
}: {
  onFiles: (files: Iterable<File>) => void;
  large: boolean;
}) {
  const { t } = useTranslation();
  const [active, setActive] = useState(false);
  const id = useId();
  const over = (event: DragEvent) => {
    event.preventDefault();
    setActive(true);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setActive(false);
    onFiles(event.dataTransfer.files);
  };
  return (
    <div
      className={`drop-zone ${active ? "active" : ""} ${large ? "large" : ""}`}
      onDragOver={over}
      onDragLeave={() => {
        setActive(false);
      }}
      onDrop={drop}
    >
      <Icon name="upload" />
      {large && <h2>{t("documents.empty")}</h2>}
      {large && <p className="lead">{t("documents.emptyText")}</p>}
      <label htmlFor={id} className="drop-label">
        {t(active ? "documents.dropActive" : "documents.drop")}
      </label>
      <p className="hint">{t("documents.formats")}</p>
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

function DeleteDialog({ document, onClose }: { document: Document; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useDeleteDocument();
  const submit = () => {
    remove.mutate(document.id, { onSuccess: onClose });
  };
  const actions = (
    <>
      <Button onClick={onClose}>{t("app.cancel")}</Button>
      <Button look="danger" type="submit" disabled={remove.isPending}>
        {t("documents.deleteConfirm")}
      </Button>
    </>
  );
  return (
    <Dialog
      title={t("documents.deleteTitle")}
      onClose={onClose}
      onSubmit={submit}
      actions={actions}
    >
      {remove.error && <Notice>{remove.error.message || t("app.unreachable")}</Notice>}
      <p>{t("documents.deleteText", { name: document.name })}</p>
    </Dialog>
  );
}
