import { describe, expect, it } from "vitest";

import { blocksOf } from "./blocks";

const texts = (text: string) => blocksOf(text).map((block) => block.text);

describe("blocksOf", () => {
  it("cuts at blank lines, and not in code", () => {
    expect(texts("eins\nzwei\n\n\ndrei\n\n```\na\n\nb\n```\n\nvier")).toEqual([
      "eins\nzwei",
      "drei",
      "```\na\n\nb\n```",
      "vier",
    ]);
  });

  it("keeps a list whole", () => {
    expect(texts("Dazu:\n\n1. eins\n\n   mehr\n\n2. zwei\n\nEnde")).toEqual([
      "Dazu:",
      "1. eins\n\n   mehr\n\n2. zwei",
      "Ende",
    ]);
  });

  it("counts the markers before each block", () => {
    expect(blocksOf("a [1] b [2].\n\nc [1].\n\nd").map((block) => block.before)).toEqual([
      {},
      { 1: 1, 2: 1 },
      { 1: 2, 2: 1 },
    ]);
  });

  it("cuts nothing from nothing", () => {
    expect(texts("\n\n")).toEqual([]);
  });
});
