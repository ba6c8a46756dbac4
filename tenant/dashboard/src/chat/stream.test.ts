import { describe, expect, it } from "vitest";

import type { ServerEvent } from "../api/sse";
import { finished, receive, STARTING } from "./stream";

const event = (name: string, data: unknown, id = ""): ServerEvent => ({
  id,
  name,
  data: JSON.stringify(data),
});

const status = (stage: string) =>
  event("status", { stage, message_id: "m", question_id: "q", conversation_id: "c" }, "1");

const citation = (n: number) => event("citation", { n, document_name: `d${n}` });

describe("receive", () => {
  it("follows an answer from the search to the stored message", () => {
    const events = [
      status("searching"),
      event("sources", { sources: [{}, {}, {}] }),
      status("asking"),
      citation(1),
      event("token", { text: "Ja " }, "5"),
      event("token", { text: "[1]" }, "6"),
    ];
    const growing = events.reduce(receive, STARTING);
    expect(growing).toMatchObject({ phase: "answering", text: "Ja [1]", sourceCount: 3 });
    expect(growing).toMatchObject({ messageId: "m", conversationId: "c", lastEventId: "6" });
    expect(finished(growing)).toBe(false);
    const done = receive(growing, event("done", { message: { id: "m" } }));
    expect(done.message?.id).toBe("m");
    expect(finished(done)).toBe(true);
  });

  it("shows a citation once, as it was sent last", () => {
    const answer = [citation(1), citation(2), citation(1)].reduce(receive, STARTING);
    expect(answer.citations.map(({ n }) => n)).toEqual([2, 1]);
  });

  it("keeps the cause of a failure", () => {
    const failure = { code: "rate_limited", message: "Zu viele Anfragen.", retryable: true };
    const answer = receive(STARTING, event("error", { message_id: "m", failure }));
    expect(answer).toMatchObject({ phase: "failed", failure, messageId: "m" });
  });

  it("ignores events it does not know", () => {
    expect(receive(STARTING, event("later", { a: 1 }))).toEqual(STARTING);
  });
});
