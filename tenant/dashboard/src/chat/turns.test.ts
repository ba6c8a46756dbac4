import { describe, expect, it } from "vitest";

import { STARTING, type LiveAnswer, type Message } from "./stream";
import { isStored, questionsOf, turnsOf } from "./turns";

const row = (id: string, role: Message["role"], state: Message["state"] = "complete") =>
  ({ id, role, state, content: id }) as Message;
const asking = (answer: Partial<LiveAnswer> = {}) => ({
  question: "q2",
  answer: { ...STARTING, ...answer },
});
const KNOWN = [row("q1", "user"), row("a1", "assistant")];
const keys = (messages: Message[], live: Parameters<typeof turnsOf>[1]) =>
  turnsOf(messages, live).map(({ key }) => key);

describe("turnsOf", () => {
  it("shows what is live after what is stored", () => {
    expect(keys(KNOWN, asking())).toEqual(["q1", "a1", "question", "answer"]);
    const known = asking({ questionId: "q2", messageId: "a2" });
    expect(keys(KNOWN, known)).toEqual(["q1", "a1", "q2", "a2"]);
  });

  it("shows it once, with the same keys, when its rows are loaded", () => {
    const rows = [...KNOWN, row("q2", "user"), row("a2", "assistant", "streaming")];
    for (const live of [asking(), asking({ questionId: "q2", messageId: "a2" })]) {
      expect(keys(rows, live)).toEqual(["q1", "a1", "q2", "a2"]);
      expect(turnsOf(rows, live).at(-1)).toMatchObject({ live: live.answer });
    }
    const half = [...KNOWN, row("q2", "user")];
    expect(keys(half, asking({ questionId: "q2", messageId: "a2" }))).toEqual([
      "q1",
      "a1",
      "q2",
      "a2",
    ]);
  });

  it("keeps a refused question apart from one that another tab is being answered", () => {
    const rows = [...KNOWN, row("q9", "user"), row("a9", "assistant", "streaming")];
    const turns = turnsOf(rows, asking({ phase: "failed" }));
    expect(turns.map(({ key }) => key)).toEqual(["q1", "a1", "q9", "a9", "question", "answer"]);
    expect(turns[3]).toMatchObject({ live: null });
    expect(turns[4]).toMatchObject({ text: "q2" });
  });

  it("shows an older answer that is tried again in its place", () => {
    const rows = [row("q0", "user"), row("a0", "assistant", "failed"), ...KNOWN];
    expect(keys(rows, asking({ messageId: "a0" }))).toEqual(["q0", "a0", "q1", "a1"]);
  });
});

describe("questionsOf", () => {
  it("names what is stored, and what is live once the agent has it", () => {
    expect(questionsOf(KNOWN, null)).toEqual(["q1"]);
    expect(questionsOf(KNOWN, asking())).toEqual(["q1"]);
    expect(questionsOf(KNOWN, asking({ messageId: "a2" }))).toEqual(["q1", "q2"]);
  });
});

describe("isStored", () => {
  it("is so for an answer that ended whole or stopped", () => {
    const live = asking({ messageId: "a1" });
    const states: [Message["state"], boolean][] = [
      ["complete", true],
      ["stopped", true],
      ["streaming", false],
      ["failed", false],
    ];
    for (const [state, expected] of states) {
      expect(isStored(live, [row("a1", "assistant", state)])).toBe(expected);
    }
  });
});
