import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { ApiError } from "../api/client";
import type { Me } from "../auth/session";
import type { Branding } from "../branding/branding";
import { useAnyDocument } from "../documents/documents";
import { BrandMark } from "../layout/brand-mark";
import { NotFound } from "../layout/not-found";
import { Button } from "../ui/button";
import { Failure } from "../ui/failure";
import { Loading } from "../ui/notice";
import { Composer } from "./composer";
import { useConversations } from "./conversations";
import { AnswerCard, loadReader, QuestionCard } from "./message";
import { SourcePanel } from "./source-panel";
import type { Citation } from "./stream";
import type { Asking } from "./use-answer";
import { useChat } from "./use-chat";

export function ChatPage({ me, branding }: { me: Me; branding: Branding }) {
  const { t } = useTranslation();
  const { conversationId } = useParams();
  const chat = useChat(conversationId);
  useEffect(() => void loadReader(), []);
  const { source, show, close } = useSource(conversationId);
  const end = useFollow(chat.asking, chat.turns.length > 0);
  if (gone(chat.error)) return <NotFound title={t("chat.gone")} />;
  const empty = chat.turns.length === 0 && !chat.loading && !chat.error;
  return (
    <div className={`chat ${source ? "with-source" : ""}`}>
      <div className="thread">
        <div className="messages">
          {!empty && <Title conversationId={conversationId} />}
          {chat.loading && <Loading label={t("app.loading")} />}
          {chat.error && <Unread error={chat.error} onRetry={chat.reload} />}
          {empty && <Empty branding={branding} />}
          {chat.turns.map((turn) =>
            turn.role === "question" ? (
              <QuestionCard key={turn.key} text={turn.text} />
            ) : (
              <AnswerCard
                key={turn.key}
                message={turn.message}
                live={turn.live}
                onCite={show}
                onRetry={chat.retry}
                onRetryLive={turn.live ? chat.retryLive : undefined}
              />
            ),
          )}
          <div ref={end} />
        </div>
        <Composer
          fresh={conversationId === undefined}
          account={me.id}
          busy={chat.busy}
          stopping={chat.stopping}
          taken={chat.taken}
          onAsk={chat.ask}
          onStop={chat.stop}
        />
      </div>
      {source && (
        <SourcePanel
          key={`${source.document_id}-${source.passage_id}-${source.quote}`}
          citation={source}
          onClose={close}
        />
      )}
    </div>
  );
}

/** The source shown beside the conversation it was opened in; closing gives the focus back. */
function useSource(conversationId: string | undefined) {
  const [open, setOpen] = useState<{ on: string | undefined; citation: Citation } | null>(null);
  const opener = useRef<Element | null>(null);
  const show = useCallback(
    (citation: Citation) => {
      opener.current = document.activeElement;
      setOpen({ on: conversationId, citation });
    },
    [conversationId],
  );
  const close = () => {
    setOpen(null);
    // On a phone the thread can take the focus only once it is visible again.
    requestAnimationFrame(() => {
      if (opener.current instanceof HTMLElement) opener.current.focus();
    });
  };
  return { source: open?.on === conversationId ? (open?.citation ?? null) : null, show, close };
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
  const retry = (
    <Button icon="retry" onClick={onRetry}>
      {t("app.retry")}
    </Button>
  );
  return <Failure error={error} actions={retry} />;
}

/** Keeps the end of the thread in view while an answer grows, unless the reader scrolled away. */
function useFollow(asking: Asking | null, loaded: boolean) {
  const end = useRef<HTMLDivElement>(null);
  const text = asking?.answer.text;
  const phase = asking?.answer.phase;
  useEffect(() => {
    const scroller = end.current?.parentElement;
    if (!scroller || phase === undefined) return;
    if (below(scroller) < 160 || phase === "searching") scroller.scrollTop = scroller.scrollHeight;
  }, [text, phase]);
  useEffect(() => {
    if (loaded) end.current?.scrollIntoView({ block: "end" });
  }, [loaded]);
  useEffect(
    () => (end.current?.parentElement ? keepEnd(end.current.parentElement) : undefined),
    [],
  );
  return end;
}

const below = (scroller: Element) =>
  scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

/** A thread that is read at its end stays there when the keyboard of the screen takes its room. */
function keepEnd(scroller: Element): () => void {
  let atEnd = true;
  const note = () => {
    atEnd = below(scroller) < 40;
  };
  const resized = new ResizeObserver(() => {
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  });
  scroller.addEventListener("scroll", note, { passive: true });
  resized.observe(scroller);
  return () => {
    scroller.removeEventListener("scroll", note);
    resized.disconnect();
  };
}

function Empty({ branding }: { branding: Branding }) {
  const { t } = useTranslation();
  const noDocuments = useAnyDocument().data === false;
  return (
    <div className="empty">
      <BrandMark branding={branding} large />
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
