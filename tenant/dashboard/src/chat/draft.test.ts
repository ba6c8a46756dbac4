// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from "vitest";

import { draftOf, draftWasSent, forgetDraft, keepDraft } from "./draft";

beforeEach(() => {
  sessionStorage.clear();
});

describe("draft", () => {
  it("is given back to the account that typed it", () => {
    keepDraft("anna", "Bis wann ");
    expect([draftOf("anna"), draftOf("bert")]).toEqual(["Bis wann ", ""]);
  });

  it("is forgotten once its question was taken, and not for another's", () => {
    keepDraft("anna", " Bis wann? ", true);
    forgetDraft(["Wie viel?"]);
    expect(draftOf("anna")).toBe(" Bis wann? ");
    expect([draftWasSent("anna"), draftWasSent("bert")]).toEqual([true, false]);
    forgetDraft(["Wie viel?", "Bis wann?"]);
    expect(draftOf("anna")).toBe("");
  });

  it("is kept when a question asked before is being typed once more", () => {
    keepDraft("anna", "Bis wann?");
    forgetDraft(["Bis wann?"]);
    expect(draftOf("anna")).toBe("Bis wann?");
    expect(draftWasSent("anna")).toBe(false);
  });

  it("is gone when it was cleared, at a sign-out, or when it cannot be read", () => {
    keepDraft("anna", "x");
    keepDraft("anna", "");
    expect(sessionStorage).toHaveLength(0);
    keepDraft("anna", "x");
    forgetDraft();
    expect(draftOf("anna")).toBe("");
    sessionStorage.setItem("draft", "{");
    expect(draftOf("anna")).toBe("");
  });
});
