// @vitest-environment jsdom
import { describe, expect, it } from "vitest";

import { merge, type Document } from "./documents";
import { formatSize } from "./format";

const document = (id: string, state: Document["state"]): Document =>
  ({ id, state, job: { updated_at: "2026-01-01T00:00:00Z" } }) as unknown as Document;

describe("merge", () => {
  it("replaces a known document in place and puts a new one first", () => {
    const known = [document("a", "queued"), document("b", "ready")];
    expect(merge(known, document("a", "ready")).map((each) => each.state)).toEqual([
      "ready",
      "ready",
    ]);
    expect(merge(known, document("c", "queued")).map((each) => each.id)).toEqual(["c", "a", "b"]);
  });
});

describe("formatSize", () => {
  it.each([
    [0, "de", "0 Byte"],
    [1536, "de", "1,5 kB"],
    [20_000_000, "en", "20 MB"],
  ] as const)("writes %i bytes in %s", (bytes, language, expected) => {
    expect(formatSize(bytes, language)).toBe(expected);
  });
});
