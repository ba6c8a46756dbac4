// Where on a page the quoted sentence stands.
import type { Schemas } from "../api/client";

type Page = Pick<Schemas["Page"], "text" | "highlights">;
type Range = Schemas["Highlight"];

const SPECIAL = /[.*+?^${}()|[\]\\]/g;

/** A sentence as a pattern: a page may break its lines elsewhere. */
function patternOf(quote: string): RegExp {
  const words = quote.trim().split(/\s+/);
  return new RegExp(words.map((word) => word.replace(SPECIAL, "\\$&")).join("\\s+"));
}

/** The sentence within the cited passage; the passage itself where the sentence is not found. */
export function quotedRanges(page: Page, quote: string): Range[] {
  if (quote.trim() === "") return page.highlights;
  const pattern = patternOf(quote);
  return page.highlights.map(({ start, end }) => {
    const found = pattern.exec(page.text.slice(start, end));
    if (!found) return { start, end };
    return { start: start + found.index, end: start + found.index + found[0].length };
  });
}

/** A text cut at ranges, in order; overlapping ranges count once. */
export function segments(text: string, ranges: Range[]) {
  const pieces: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const from = Math.max(start, at);
    if (from > at) pieces.push({ text: text.slice(at, from), marked: false });
    if (end > from) pieces.push({ text: text.slice(from, end), marked: true });
    at = Math.max(at, end);
  }
  if (at < text.length) pieces.push({ text: text.slice(at), marked: false });
  return pieces;
}
