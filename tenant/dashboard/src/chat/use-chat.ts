// The messages of one conversation and the one answer that may be on its way.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CONVERSATIONS, createConversation, messagesKey, useMessages } from "./conversations";
import type { Message } from "./stream";
import { eventsOf, useAnswer, type Asking } from "./use-answer";

const messagesOf = (id: string) => `/api/v1/conversations/${id}/messages`;

export function useChat(conversationId: string | undefined) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data = [], isLoading, error, refetch } = useMessages(conversationId);
  const { hereRef, open } = useConversation(conversationId);
  const onEnd = useCallback(() => {
    void queries.invalidateQueries({ queryKey: CONVERSATIONS });
    if (hereRef.current) void queries.invalidateQueries({ queryKey: messagesKey(hereRef.current) });
  }, [queries, hereRef]);
  const { asking, run, stop, clear } = useAnswer(t("app.unreachable"), onEnd);

  useEffect(() => {
    if (hereRef.current !== conversationId) {
      hereRef.current = conversationId;
      clear();
    }
  }, [conversationId, hereRef, clear]);

  const ask = (question: string) =>
    run({
      question,
      place: { conversationId: null, messageId: null },
      open: async () => ({
        url: messagesOf(await open()),
        method: "POST",
        body: { question },
      }),
    });
  const again = (question: string, messageId: string) => {
    const id = conversationId ?? "";
    return run({
      question,
      place: { conversationId: id, messageId },
      open: () => ({ url: `${messagesOf(id)}/${messageId}/retry`, method: "POST" }),
    });
  };
  const follow = useCallback(
    (question: string, messageId: string) => {
      const place = { conversationId: conversationId ?? "", messageId };
      return run({ question, place, open: () => eventsOf(place) });
    },
    [conversationId, run],
  );

  const live = asking !== null && !stored(asking, data) ? asking : null;
  useTakeUp(live, data, follow);
  const liveId = live?.answer.messageId;
  return {
    asking: live,
    messages: live ? data.filter((message) => !belongsTo(live, message, data)) : data,
    loading: isLoading,
    error,
    reload: () => void refetch(),
    busy: live !== null && live.answer.phase !== "failed" && live.answer.phase !== "done",
    ask: (question: string) => void ask(question),
    stop,
    retry: (message: Message) => void again(questionBefore(message, data), message.id),
    retryLive: () => {
      if (live === null) return;
      if (!liveId) void ask(live.question);
      else if (live.answer.failure?.code === "stopped") void follow(live.question, liveId);
      else void again(live.question, liveId);
    },
  };
}

/** The conversation of the address bar; `open` makes one when there is none yet. */
function useConversation(conversationId: string | undefined) {
  const navigate = useNavigate();
  const hereRef = useRef(conversationId);
  const open = useCallback(async () => {
    if (hereRef.current !== undefined) return hereRef.current;
    const { id } = await createConversation();
    hereRef.current = id;
    void navigate(`/chat/${id}`, { replace: true });
    return id;
  }, [navigate]);
  return { hereRef, open };
}

/** An answer that was being written when the page was opened is followed from its beginning. */
function useTakeUp(
  live: Asking | null,
  messages: Message[],
  follow: (question: string, messageId: string) => Promise<void>,
): void {
  const open = live === null ? messages.find(({ state }) => state === "streaming") : undefined;
  const question = open && questionBefore(open, messages);
  const id = open?.id;
  useEffect(() => {
    if (id !== undefined && question !== undefined) void follow(question, id);
  }, [id, question, follow]);
}

/** Whether the finished live answer is in the loaded messages, which then show it. */
function stored({ answer }: Asking, messages: Message[]): boolean {
  return messages.some(({ id, state }) => id === answer.messageId && state === "complete");
}

/** The live answer is shown once: its stored rows are left out while it is live. */
function belongsTo(live: Asking, message: Message, messages: Message[]): boolean {
  const { messageId } = live.answer;
  const answer = messages.findIndex(({ id, state }) =>
    messageId === null ? state === "streaming" : id === messageId,
  );
  const index = messages.indexOf(message);
  return answer >= 0 && (index === answer || index === answer - 1);
}

function questionBefore(message: Message, messages: Message[]): string {
  return messages[messages.indexOf(message) - 1]?.content ?? "";
}
