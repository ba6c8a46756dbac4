import { describe, expect, it } from "vitest";

import { quotedRanges, segments } from "./quotes";

const TEXT = "Einleitung.\n\nDie Miete beträgt\n1.250 Euro (kalt). Haustiere sind erlaubt. Ende.";
const PASSAGE = { start: 13, end: TEXT.length - 6 };

const marked = (quote: string) =>
  quotedRanges({ text: TEXT, highlights: [PASSAGE] }, quote).map(({ start, end }) =>
    TEXT.slice(start, end),
  );

describe("quotedRanges", () => {
  it("finds the sentence in its passage, wherever the lines break", () => {
    expect(marked("Die Miete beträgt 1.250 Euro (kalt).")).toEqual([
      "Die Miete beträgt\n1.250 Euro (kalt).",
    ]);
    expect(marked(" Haustiere sind erlaubt. ")).toEqual(["Haustiere sind erlaubt."]);
  });

  it("marks the passage when the sentence is not in it", () => {
    for (const quote of ["", "Einleitung.", "Steht nirgends."]) {
      expect(marked(quote)).toEqual([TEXT.slice(PASSAGE.start, PASSAGE.end)]);
    }
  });

  it("marks nothing on another page", () => {
    expect(quotedRanges({ text: TEXT, highlights: [] }, "Ende.")).toEqual([]);
  });
});

describe("segments", () => {
  it("cuts a text at its ranges and loses nothing of it", () => {
    const text = "eins zwei drei vier";
    const pieces = segments(text, [
      { start: 10, end: 14 },
      { start: 5, end: 12 },
    ]);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    expect(pieces.filter((piece) => piece.marked).map((piece) => piece.text)).toEqual([
      "zwei dr",
      "ei",
    ]);
  });
});
