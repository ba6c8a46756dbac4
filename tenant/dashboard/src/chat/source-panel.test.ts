import { describe, expect, it } from "vitest";

import { segments } from "./source-panel";

describe("segments", () => {
  it("cuts a page at its highlights and loses no text", () => {
    const text = "eins zwei drei vier";
    const pieces = segments({
      text,
      highlights: [
        { start: 10, end: 14 },
        { start: 5, end: 12 },
      ],
    });
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    expect(pieces.filter(({ marked }) => marked).map((piece) => piece.text)).toEqual([
      "zwei dr",
      "ei",
    ]);
  });
});
