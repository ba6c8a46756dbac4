import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Me } from "../auth/session";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Failure } from "../ui/failure";
import { Loading } from "../ui/notice";
import { DocumentRow, stage, UploadRow } from "./document-row";
import { useDeleteDocument, useDocuments, useLiveDocuments, type Document } from "./documents";
import { DropZone } from "./drop-zone";
import { useSharedUploads } from "./uploads-context";

export default function DocumentsPage({ me }: { me: Me }) {
  const { t, i18n } = useTranslation();
  const last = useLiveDocuments(i18n.language);
  const documents = useDocuments();
  const { uploads, add, dismiss } = useSharedUploads();
  const [pointed, setPointed] = useState<string | null>(null);
  const [filter, setFilter] = useState("");
  const [deleting, setDeleting] = useState<Document | null>(null);
  const show = useCallback((id: string) => {
    setFilter("");
    setPointed(id);
  }, []);
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
      <DropZone onFiles={add} large={documents.data?.length === 0} limit={me.upload_limit} />
      {all.length > 5 && (
        <input
          type="search"
          placeholder={t("documents.filter")}
          aria-label={t("documents.filter")}
          value={filter}
          onChange={(event) => {
            setPointed(null);
            setFilter(event.target.value);
          }}
        />
      )}
      {documents.isPending && <Loading label={t("app.loading")} />}
      <Failure
        error={documents.error}
        actions={
          <Button icon="retry" onClick={() => void documents.refetch()}>
            {t("app.retry")}
          </Button>
        }
      />
      <p className="visually-hidden" role="status">
        {last && t("documents.now", { name: last.name, state: stage(t, last) })}
      </p>
      {wanted !== "" && shown.length === 0 && (
        <p className="hint">{t("documents.noMatch", { filter: filter.trim() })}</p>
      )}
      <ul className="documents">
        {uploads.map((upload) => (
          <UploadRow key={upload.key} upload={upload} onDismiss={dismiss} onShow={show} />
        ))}
        {shown.map((document) => (
          <DocumentRow
            key={document.id}
            document={document}
            onDelete={setDeleting}
            pointedAt={document.id === pointed}
          />
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
      <Failure error={remove.error} />
      <p>{t("documents.deleteText", { name: document.name })}</p>
    </Dialog>
  );
}
