// The messages of one conversation and the one answer that may be on its way.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CONVERSATIONS, createConversation, messagesKey, useMessages } from "./conversations";
import { forgetDraft } from "./draft";
import { finished, type Message } from "./stream";
import { isStored, questionBefore, questionsOf, turnsOf } from "./turns";
import { eventsOf, useAnswer, type Asking } from "./use-answer";

const messagesOf = (id: string) => `/api/v1/conversations/${id}/messages`;
const NONE: Message[] = [];

export function useChat(conversationId: string | undefined) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data = NONE, isLoading, error, refetch } = useMessages(conversationId);
  const { hereRef, open } = useConversation(conversationId);
  const onEnd = useCallback(() => {
    void queries.invalidateQueries({ queryKey: CONVERSATIONS });
    if (hereRef.current) void queries.invalidateQueries({ queryKey: messagesKey(hereRef.current) });
  }, [queries, hereRef]);
  const { asking, run, stop, stopping, clear } = useAnswer(t("app.unreachable"), onEnd);

  useEffect(() => {
    if (hereRef.current !== conversationId) {
      hereRef.current = conversationId;
      clear();
    }
  }, [conversationId, hereRef, clear]);

  const ask = useCallback(
    (question: string) =>
      run({
        question,
        place: { conversationId: null, messageId: null },
        open: async () => ({
          url: messagesOf(await open()),
          method: "POST",
          body: { question },
        }),
      }),
    [open, run],
  );
  const again = useCallback(
    (question: string, messageId: string) => {
      const id = conversationId ?? "";
      return run({
        question,
        place: { conversationId: id, messageId },
        open: () => ({ url: `${messagesOf(id)}/${messageId}/retry`, method: "POST" }),
      });
    },
    [conversationId, run],
  );
  const follow = useCallback(
    (question: string, messageId: string) => {
      const place = { conversationId: conversationId ?? "", messageId };
      return run({ question, place, open: () => eventsOf(place), takenUp: true });
    },
    [conversationId, run],
  );

  const live = asking !== null && !isStored(asking, data) ? asking : null;
  useTakeUp(live, data, follow);
  const taken = useMemo(() => questionsOf(data, live), [data, live]);
  useEffect(() => {
    forgetDraft(taken);
  }, [taken]);
  return {
    asking: live,
    turns: useMemo(() => turnsOf(data, live), [data, live]),
    taken: isLoading ? null : taken,
    loading: isLoading,
    error,
    reload: () => void refetch(),
    busy: live !== null && !finished(live.answer),
    stopping,
    ask: (question: string) => void ask(question),
    stop,
    retry: useCallback(
      (message: Message) => void again(questionBefore(message, data), message.id),
      [again, data],
    ),
    retryLive: useCallback(() => {
      const id = live?.answer.messageId;
      if (live) void (id ? again(live.question, id) : ask(live.question));
    }, [live, again, ask]),
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
