// Asks, follows the answer, takes up a broken stream where it ended, and can be stopped.
import { useCallback, useEffect, useRef, useState } from "react";

import { ApiError } from "../api/client";
import { streamEvents, type StreamRequest } from "../api/sse";
import { finished, receive, STARTING, type LiveAnswer } from "./stream";

const RESUMES = 5;
const STOPPED = { code: "stopped", message: "", retryable: true };

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

/** One answer at a time. `onEnd` runs when it is stored, failed or no longer followed. */
export function useAnswer(unreachable: string, onEnd: () => void) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const current = useRef<AbortController | null>(null);

  const clear = useCallback(() => {
    current.current?.abort();
    current.current = null;
    setAsking(null);
  }, []);
  const stop = useCallback(() => {
    current.current?.abort();
  }, []);
  useEffect(() => stop, [stop]);

  const run = useCallback(
    async ({ question, place, open }: Run) => {
      current.current?.abort();
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
        const failure = abort.signal.aborted ? STOPPED : failureFrom(error, unreachable);
        report({ ...last, phase: "failed", failure });
      }
      if (current.current === abort) onEnd();
    },
    [onEnd, unreachable],
  );
  return { asking, run, stop, clear };
}
