import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";

import { ApiError } from "../api/client";
import { useDocuments } from "../documents/documents";
import { Notice } from "../ui/notice";
import { Composer } from "./composer";
import { CONVERSATIONS, createConversation, messagesKey, useMessages } from "./conversations";
import { AnswerCard, LiveAnswerCard, QuestionCard } from "./message";
import { SourcePanel } from "./source-panel";
import type { Citation, Message } from "./stream";
import { useAnswer, type Asking } from "./use-answer";

export function ChatPage() {
  const { t } = useTranslation();
  const { conversationId } = useParams();
  const chat = useChat(conversationId);
  const [source, setSource] = useState<Citation | null>(null);
  const end = useFollow(chat.asking);
  const empty = chat.messages.length === 0 && chat.asking === null && !chat.loading;
  return (
    <div className={`chat ${source ? "with-source" : ""}`}>
      <div className="thread">
        <div className="messages">
          {chat.error && <Notice>{chat.error.message || t("app.unreachable")}</Notice>}
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
        <Composer busy={chat.busy} onAsk={chat.ask} onStop={chat.stop} />
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

/** The messages of one conversation and the one answer that may be on its way. */
function useChat(conversationId: string | undefined) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { data = [], isLoading, error } = useMessages(conversationId);
  const current = useRef(conversationId);
  const onEnd = useCallback(() => {
    void queries.invalidateQueries({ queryKey: CONVERSATIONS });
    if (current.current) void queries.invalidateQueries({ queryKey: messagesKey(current.current) });
  }, [queries]);
  const { asking, run, stop, clear } = useAnswer(t("app.unreachable"), onEnd);

  useEffect(() => {
    if (current.current !== conversationId) {
      current.current = conversationId;
      stop();
      clear();
    }
  }, [conversationId, stop, clear]);

  const ask = async (question: string) => {
    const id = current.current ?? (await createConversation()).id;
    if (current.current !== id) {
      current.current = id;
      void navigate(`/chat/${id}`, { replace: true });
    }
    await run(question, { url: `/api/v1/conversations/${id}/messages`, body: { question } });
  };
  const again = (question: string, messageId: string) =>
    run(question, {
      url: `/api/v1/conversations/${current.current ?? ""}/messages/${messageId}/retry`,
    });

  const live = asking !== null && !stored(asking, data) ? asking : null;
  const liveId = live?.answer.messageId;
  return {
    asking: live,
    messages: live ? data.filter((message) => !belongsTo(live, message, data)) : data,
    loading: isLoading,
    error: error instanceof ApiError || error === null ? error : new Error(""),
    busy: live !== null && live.answer.phase !== "failed" && live.answer.phase !== "done",
    ask: (question: string) => void ask(question),
    stop,
    retry: (message: Message) => void again(questionBefore(message, data), message.id),
    retryLive: () => {
      if (live === null) return;
      if (liveId) void again(live.question, liveId);
      else void ask(live.question);
    },
  };
}

/** Whether the finished live answer is in the loaded messages, which then show it. */
function stored(asking: Asking, messages: Message[]): boolean {
  return messages.some(
    (message) => message.id === asking.answer.messageId && message.state === "complete",
  );
}

/** The live answer is shown once: its stored rows are left out while it is live. */
function belongsTo(live: Asking, message: Message, messages: Message[]): boolean {
  const answer = messages.findIndex(({ id }) => id === live.answer.messageId);
  const index = messages.indexOf(message);
  return answer >= 0 && (index === answer || index === answer - 1);
}

function questionBefore(message: Message, messages: Message[]): string {
  return messages[messages.indexOf(message) - 1]?.content ?? "";
}

/** Keeps the end of the thread in view while an answer grows, unless the reader scrolled away. */
function useFollow(asking: Asking | null) {
  const end = useRef<HTMLDivElement>(null);
  const text = asking?.answer.text;
  const phase = asking?.answer.phase;
  useEffect(() => {
    const scroller = end.current?.closest(".messages");
    if (!scroller || phase === undefined) return;
    const distance = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (distance < 160 || phase === "searching") scroller.scrollTop = scroller.scrollHeight;
  }, [text, phase]);
  return end;
}

function Empty() {
  const { t } = useTranslation();
  const { data } = useDocuments();
  const noDocuments = data?.length === 0;
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
