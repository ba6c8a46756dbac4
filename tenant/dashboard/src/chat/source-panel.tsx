import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, body, type Schemas } from "../api/client";
import { IconButton } from "../ui/button";
import { Failure } from "../ui/failure";
import { Icon } from "../ui/icon";
import { Loading, Notice } from "../ui/notice";
import { place } from "./place";
import { quotedRanges, segments } from "./quotes";
import type { Citation } from "./stream";

interface Props {
  citation: Citation;
  onClose: () => void;
}

/** The page a citation came from, with the passage marked and the way to the original. */
export function SourcePanel({ citation, onClose }: Props) {
  const { t } = useTranslation();
  const [number, setNumber] = useState(citation.page);
  const page = usePage(citation, number);
  const panel = useRef<HTMLElement>(null);
  const quoted = useId();
  useEffect(() => {
    panel.current?.focus();
  }, []);
  const last = page.data?.page_count ?? number;
  return (
    <aside
      ref={panel}
      className="source-panel"
      tabIndex={-1}
      aria-label={t("source.title", { n: citation.n })}
      aria-describedby={quoted}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <header>
        <span className="chip" aria-hidden="true">
          {citation.n}
        </span>
        <div className="source-title">
          <h2>{citation.document_name}</h2>
          {citation.heading !== "" && <p>{citation.heading}</p>}
        </div>
        <IconButton icon="close" label={t("app.close")} onClick={onClose} />
      </header>
      <div className="page-text">
        {page.isLoading && <Loading label={t("app.loading")} />}
        {page.isError && (
          <Missing citation={citation}>
            <Failure error={page.error} />
          </Missing>
        )}
        {!citation.available && (
          <Missing citation={citation}>
            <Notice>{t("source.gone")}</Notice>
          </Missing>
        )}
        {page.data && <Marked id={quoted} page={page.data} quote={citation.quote} />}
      </div>
      {page.data && (
        <footer>
          <IconButton
            icon="left"
            label={t("source.previous")}
            disabled={number <= 1}
            onClick={() => {
              setNumber(number - 1);
            }}
          />
          <span>
            {t("source.of", { place: place(t, { ...citation, page: number }), count: last })}
          </span>
          <IconButton
            icon="right"
            label={t("source.next")}
            disabled={number >= last}
            onClick={() => {
              setNumber(number + 1);
            }}
          />
          <OpenOriginal citation={citation} number={number} />
        </footer>
      )}
    </aside>
  );
}

/** Why the page cannot be shown, and the sentence of it that the answer kept. */
function Missing({ citation, children }: { citation: Citation; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <>
      {children}
      {citation.quote !== "" && (
        <figure className="quote">
          <figcaption>{t("source.quote")}</figcaption>
          <blockquote>{citation.quote}</blockquote>
        </figure>
      )}
    </>
  );
}

function usePage(citation: Citation, number: number) {
  return useQuery({
    enabled: citation.available,
    placeholderData: keepPreviousData,
    queryKey: ["page", citation.document_id, number, citation.passage_id],
    queryFn: async () =>
      body(
        await api.GET("/api/v1/documents/{document_id}/pages/{number}", {
          params: {
            path: { document_id: citation.document_id, number },
            query: { passage: citation.passage_id },
          },
        }),
      ),
  });
}

function OpenOriginal({ citation, number }: { citation: Citation; number: number }) {
  const { t } = useTranslation();
  const fragment = citation.paged ? `#page=${number}` : "";
  return (
    <a
      className="button"
      href={`/api/v1/documents/${citation.document_id}/file${fragment}`}
      target="_blank"
      rel="noopener noreferrer"
    >
      <Icon name="external" />
      {t("source.open")}
    </a>
  );
}

interface MarkedProps {
  id: string;
  page: Schemas["Page"];
  quote: string;
}

function Marked({ id, page, quote }: MarkedProps) {
  const first = useRef<HTMLElement>(null);
  useEffect(() => {
    first.current?.scrollIntoView({ block: "center" });
  }, [page]);
  const pieces = segments(page.text, quotedRanges(page, quote));
  const start = pieces.findIndex(({ marked }) => marked);
  return (
    <p>
      {pieces.map(({ text, marked }, index) =>
        marked ? (
          <mark key={index} {...(index === start ? { ref: first, id } : {})}>
            {text}
          </mark>
        ) : (
          text
        ),
      )}
    </p>
  );
}
