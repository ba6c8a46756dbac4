// Asks, follows the answer, takes up a broken stream where it ended, and can be stopped.
import { useCallback, useEffect, useRef, useState } from "react";

import { ApiError } from "../api/client";
import { streamEvents, type StreamRequest } from "../api/sse";
import { finished, receive, STARTING, type LiveAnswer } from "./stream";

const RESUMES = 4;

export interface Asking {
  question: string;
  answer: LiveAnswer;
}

type Report = (answer: LiveAnswer) => void;

async function follow(request: StreamRequest, start: LiveAnswer, report: Report) {
  let answer = start;
  for await (const event of streamEvents(request)) {
    answer = receive(answer, event);
    report(answer);
  }
  return answer;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Follows an answer to its end; a lost connection is resumed, a refusal is not. */
async function followToEnd(request: StreamRequest, report: Report): Promise<LiveAnswer> {
  let answer = STARTING;
  const keep: Report = (next) => {
    answer = next;
    report(next);
  };
  for (let attempt = 0; attempt <= RESUMES && !finished(answer); attempt += 1) {
    try {
      await follow(attempt === 0 ? request : resumption(request, answer), answer, keep);
    } catch (error) {
      if (error instanceof ApiError || answer.messageId === null) throw error;
      if (request.signal.aborted || attempt === RESUMES) throw error;
    }
    if (!finished(answer)) await pause(300 * 2 ** attempt);
  }
  return answer;
}

function resumption(request: StreamRequest, answer: LiveAnswer): StreamRequest {
  const path = `/api/v1/conversations/${answer.conversationId ?? ""}/messages/${answer.messageId ?? ""}/events`;
  return { url: path, lastEventId: answer.lastEventId, signal: request.signal };
}

function failureFrom(error: unknown, unreachable: string): LiveAnswer["failure"] {
  if (error instanceof ApiError) {
    return { code: error.code, message: error.message, retryable: true };
  }
  return { code: "unreachable", message: unreachable, retryable: true };
}

/** One answer at a time. `onEnd` runs when it is stored, failed or stopped. */
export function useAnswer(unreachable: string, onEnd: (answer: LiveAnswer) => void) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const controller = useRef<AbortController | null>(null);

  useEffect(() => () => controller.current?.abort(), []);

  const run = useCallback(
    async (question: string, target: Pick<StreamRequest, "url" | "body">) => {
      const abort = new AbortController();
      controller.current = abort;
      let last = STARTING;
      const report: Report = (answer) => {
        last = answer;
        setAsking({ question, answer });
      };
      report(STARTING);
      try {
        await followToEnd({ ...target, method: "POST", signal: abort.signal }, report);
      } catch (error) {
        const code = { code: "stopped", message: "", retryable: true };
        const failure = abort.signal.aborted ? code : failureFrom(error, unreachable);
        report({ ...last, phase: "failed", failure });
      }
      onEnd(last);
    },
    [onEnd, unreachable],
  );

  const stop = useCallback(() => {
    controller.current?.abort();
  }, []);
  const clear = useCallback(() => {
    setAsking(null);
  }, []);
  return { asking, run, stop, clear };
}
