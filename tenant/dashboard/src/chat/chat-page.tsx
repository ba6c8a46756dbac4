import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { ApiError } from "../api/client";
import { useAnyDocument } from "../documents/documents";
import { NotFound } from "../layout/not-found";
import { Button } from "../ui/button";
import { Loading, Notice } from "../ui/notice";
import { Composer } from "./composer";
import { useConversations } from "./conversations";
import { AnswerCard, loadReader, LiveAnswerCard, QuestionCard } from "./message";
import { SourcePanel } from "./source-panel";
import type { Citation } from "./stream";
import type { Asking } from "./use-answer";
import { useChat } from "./use-chat";

export function ChatPage() {
  const { t } = useTranslation();
  const { conversationId } = useParams();
  const chat = useChat(conversationId);
  useEffect(() => void loadReader(), []);
  const [source, setSource] = useSource(conversationId);
  const end = useFollow(chat.asking, chat.messages.length > 0);
  if (gone(chat.error)) return <NotFound title={t("chat.gone")} />;
  const empty = chat.messages.length === 0 && chat.asking === null && !chat.loading && !chat.error;
  return (
    <div className={`chat ${source ? "with-source" : ""}`}>
      <div className="thread">
        <div className="messages">
          <Title conversationId={conversationId} />
          {chat.loading && <Loading label={t("app.loading")} />}
          {chat.error && <Unread error={chat.error} onRetry={chat.reload} />}
          {empty && <Empty />}
          {chat.messages.map((message) =>
            message.role === "user" ? (
              <QuestionCard key={message.id} text={message.content} />
            ) : (
              <AnswerCard
                key={message.id}
                message={message}
                onCite={setSource}
                onRetry={() => {
                  chat.retry(message);
                }}
              />
            ),
          )}
          {chat.asking && (
            <LiveAnswerCard asking={chat.asking} onCite={setSource} onRetry={chat.retryLive} />
          )}
          <div ref={end} />
        </div>
        <Composer
          fresh={conversationId === undefined}
          busy={chat.busy}
          onAsk={chat.ask}
          onStop={chat.stop}
        />
      </div>
      {source && (
        <SourcePanel
          key={`${source.document_id}-${source.passage_id}`}
          citation={source}
          onClose={() => {
            setSource(null);
          }}
        />
      )}
    </div>
  );
}

/** The source shown beside the conversation it was opened in; closing gives the focus back. */
function useSource(conversationId: string | undefined) {
  const [open, setOpen] = useState<{ on: string | undefined; citation: Citation } | null>(null);
  const opener = useRef<Element | null>(null);
  const show = (citation: Citation | null) => {
    if (citation) opener.current = document.activeElement;
    // Closing draws the answer anew, which would take the focus away with the old marker.
    else {
      requestAnimationFrame(() => {
        focusAgain(opener.current, open?.citation);
      });
    }
    setOpen(citation && { on: conversationId, citation });
  };
  return [open?.on === conversationId ? (open?.citation ?? null) : null, show] as const;
}

/** The answer may have been drawn anew in the meantime: then its marker of the same passage. */
function focusAgain(opener: Element | null, citation: Citation | undefined): void {
  const selector = `[data-passage="${citation?.passage_id ?? ""}"]`;
  const target = opener?.isConnected ? opener : document.querySelector(selector);
  if (target instanceof HTMLElement) target.focus();
}

/** An address nobody can open: deleted, another account's, or never an id. */
function gone(error: Error | null): boolean {
  return error instanceof ApiError && [404, 422].includes(error.status);
}

/** The page's heading is what the side bar shows already: for assistive technology only. */
function Title({ conversationId }: { conversationId: string | undefined }) {
  const { t } = useTranslation();
  const { data = [] } = useConversations();
  if (conversationId === undefined) return null;
  const title = data.find(({ id }) => id === conversationId)?.title ?? "";
  return <h1 className="visually-hidden">{title || t("nav.chat")}</h1>;
}

function Unread({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t } = useTranslation();
  const text = error instanceof ApiError ? error.message : "";
  const retry = (
    <Button icon="retry" onClick={onRetry}>
      {t("app.retry")}
    </Button>
  );
  return <Notice actions={retry}>{text || t("app.unreachable")}</Notice>;
}

/** Keeps the end of the thread in view while an answer grows, unless the reader scrolled away. */
function useFollow(asking: Asking | null, loaded: boolean) {
  const end = useRef<HTMLDivElement>(null);
  const text = asking?.answer.text;
  const phase = asking?.answer.phase;
  useEffect(() => {
    const scroller = end.current?.closest(".messages");
    if (!scroller || phase === undefined) return;
    const distance = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (distance < 160 || phase === "searching") scroller.scrollTop = scroller.scrollHeight;
  }, [text, phase]);
  useEffect(() => {
    if (loaded) end.current?.scrollIntoView({ block: "end" });
  }, [loaded]);
  return end;
}

function Empty() {
  const { t } = useTranslation();
  const noDocuments = useAnyDocument().data === false;
  return (
    <div className="empty">
      <h1>{t("chat.emptyTitle")}</h1>
      <p className="lead">{t(noDocuments ? "chat.emptyNoDocuments" : "chat.emptyText")}</p>
      {noDocuments && (
        <Link className="button primary" to="/documents">
          {t("chat.toDocuments")}
        </Link>
      )}
    </div>
  );
}
