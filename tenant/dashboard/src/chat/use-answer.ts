// Asks, follows the answer, takes up a broken stream where it ended, and can be stopped.
import { useCallback, useEffect, useRef, useState } from "react";

import { api, ApiError } from "../api/client";
import { streamEvents, type StreamRequest } from "../api/sse";
import { forgetStop, keepStop, stopWish } from "./stop-wish";
import { finished, receive, STARTING, type LiveAnswer } from "./stream";

const RESUMES = 5;

export interface Asking {
  question: string;
  answer: LiveAnswer;
}

export type Target = Pick<StreamRequest, "url" | "method" | "body">;

/** What to ask: `open` gives the address, after it made the conversation if need be. */
export interface Run {
  question: string;
  place: Pick<LiveAnswer, "conversationId" | "messageId">;
  open: () => Target | Promise<Target>;
  /** Begun before: a wish to stop it holds still. */
  takenUp?: true;
}

type Report = (answer: LiveAnswer) => void;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export function eventsOf(place: Run["place"]): Target {
  const { conversationId, messageId } = place;
  return {
    url: `/api/v1/conversations/${conversationId ?? ""}/messages/${messageId ?? ""}/events`,
  };
}

/** A refusal is final; a lost connection or a proxy without an agent behind it is not. */
function worthResuming(error: unknown, answer: LiveAnswer): boolean {
  if (answer.messageId === null) return false;
  return !(error instanceof ApiError) || error.status >= 500;
}

/** Follows an answer to its end, over as many connections as it takes while they bring anything. */
async function followToEnd(first: StreamRequest, start: LiveAnswer, report: Report) {
  let answer = start;
  let request = first;
  for (let failures = 0; !finished(answer); failures += 1) {
    try {
      for await (const event of streamEvents(request)) {
        answer = receive(answer, event);
        report(answer);
        failures = 0;
      }
    } catch (error) {
      if (request.signal.aborted || !worthResuming(error, answer)) throw error;
      if (failures >= RESUMES) throw error;
    }
    if (finished(answer)) return;
    if (answer.messageId === null || failures >= RESUMES) throw new TypeError("stream ended early");
    await pause(300 * 2 ** failures);
    request.signal.throwIfAborted();
    request = { ...eventsOf(answer), lastEventId: answer.lastEventId, signal: request.signal };
  }
}

function failureFrom(error: unknown, unreachable: string): LiveAnswer["failure"] {
  if (!(error instanceof ApiError)) {
    return { code: "unreachable", message: unreachable, retryable: true };
  }
  const { code, message, status } = error;
  return { code, message: message || unreachable, retryable: status !== 404 };
}

/** One answer at a time. `onEnd` runs when it is stored, failed or stopped. */
export function useAnswer(unreachable: string, onEnd: () => void) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const { stop, unstop, stopping } = useStop(asking);
  const current = useRef<AbortController | null>(null);

  const leave = useCallback(() => {
    current.current?.abort();
    current.current = null;
  }, []);
  const clear = useCallback(() => {
    leave();
    setAsking(null);
  }, [leave]);
  useEffect(() => leave, [leave]);

  const run = useCallback(
    async ({ question, place, open, takenUp }: Run) => {
      leave();
      if (!takenUp) unstop();
      const abort = new AbortController();
      current.current = abort;
      let last: LiveAnswer = { ...STARTING, ...place };
      // What a run reports after another one took its place is nobody's business any more.
      const report: Report = (answer) => {
        last = answer;
        if (current.current === abort) setAsking({ question, answer });
      };
      report(last);
      try {
        await followToEnd({ ...(await open()), signal: abort.signal }, last, report);
      } catch (error) {
        report({ ...last, phase: "failed", failure: failureFrom(error, unreachable) });
      }
      if (current.current === abort) onEnd();
    },
    [leave, onEnd, unreachable, unstop],
  );
  return { asking, run, stop, stopping, clear };
}

/**
 * Asks the agent to stop, once it is known what; the stream then ends with what it kept. The wish
 * outlives the page: loaded again before the agent named the answer, it is sent when that is known.
 */
function useStop(asking: Asking | null) {
  const [wish, setWish] = useState(stopWish);
  const unstop = useCallback(() => {
    forgetStop();
    setWish(null);
  }, []);
  const question = asking?.question ?? null;
  const over = asking !== null && finished(asking.answer);
  const wanted = question !== null && question === wish;
  const conversation_id = asking?.answer.conversationId ?? null;
  const message_id = asking?.answer.messageId ?? null;
  useEffect(() => {
    if (!wanted) return;
    if (over) forgetStop();
    if (over || conversation_id === null || message_id === null) return;
    api
      .POST("/api/v1/conversations/{conversation_id}/messages/{message_id}/stop", {
        params: { path: { conversation_id, message_id } },
      })
      // Not reached: the button is there again.
      .catch(unstop);
  }, [wanted, over, conversation_id, message_id, unstop]);
  const stop = useCallback(() => {
    if (question === null) return;
    keepStop(question);
    setWish(question);
  }, [question]);
  return { stop, unstop, stopping: wanted && !over };
}
