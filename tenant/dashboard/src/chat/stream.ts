// The state of one answer while it arrives, as a pure function of the events of the agent.
import type { Schemas } from "../api/client";
import type { ServerEvent } from "../api/sse";

export type Message = Schemas["Message"];
export type Citation = Schemas["Citation"];
export type Failure = Schemas["Failure"];

export interface LiveAnswer {
  phase: "searching" | "asking" | "answering" | "done" | "failed";
  conversationId: string | null;
  questionId: string | null;
  messageId: string | null;
  text: string;
  citations: Citation[];
  sourceCount: number;
  lastEventId: string;
  message: Message | null;
  failure: Failure | null;
}

export const STARTING: LiveAnswer = {
  phase: "searching",
  conversationId: null,
  questionId: null,
  messageId: null,
  text: "",
  citations: [],
  sourceCount: 0,
  lastEventId: "",
  message: null,
  failure: null,
};

/** Applies one event; unknown events change nothing, so that a newer agent can send more. */
export function receive(answer: LiveAnswer, event: ServerEvent): LiveAnswer {
  const next = { ...answer, lastEventId: event.id || answer.lastEventId };
  switch (event.name) {
    case "status": {
      const data = JSON.parse(event.data) as Schemas["StatusEvent"];
      const ids = {
        conversationId: data.conversation_id,
        questionId: data.question_id,
        messageId: data.message_id,
      };
      return { ...next, ...ids, phase: data.stage };
    }
    case "sources": {
      const data = JSON.parse(event.data) as Schemas["SourcesEvent"];
      return { ...next, sourceCount: data.sources.length };
    }
    case "citation": {
      const data = JSON.parse(event.data) as Schemas["CitationEvent"];
      const others = next.citations.filter((known) => known.n !== data.n);
      return { ...next, citations: [...others, data] };
    }
    case "token": {
      const data = JSON.parse(event.data) as Schemas["TokenEvent"];
      return { ...next, phase: "answering", text: next.text + data.text };
    }
    case "done":
    case "stopped": {
      const data = JSON.parse(event.data) as Schemas["DoneEvent"] | Schemas["StoppedEvent"];
      return { ...next, phase: "done", message: data.message };
    }
    case "error": {
      const data = JSON.parse(event.data) as Schemas["ErrorEvent"];
      return { ...next, phase: "failed", failure: data.failure, messageId: data.message_id };
    }
    default:
      return next;
  }
}

export function finished(answer: LiveAnswer): boolean {
  return answer.phase === "done" || answer.phase === "failed";
}
