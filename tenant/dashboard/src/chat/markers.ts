// `[n]` in an answer: found in its text, and made an element of its own while Markdown is read.
import type { Citation } from "./stream";

const MARKER = /\[(\d+)\]/;
const KEPT = new Set(["code", "pre"]);

/** How often each number was marked before a place, by number. */
export type Counts = Record<number, number>;

export function countMarkers(text: string, before: Counts = {}): Counts {
  const counts = { ...before };
  for (const [, digits] of text.matchAll(new RegExp(MARKER, "g"))) {
    const n = Number(digits);
    counts[n] = (counts[n] ?? 0) + 1;
  }
  return counts;
}

/** The citation with the sentence behind this very marker. */
export function citedBy(citation: Citation, occurrence: number): Citation {
  return { ...citation, quote: citation.quotes[occurrence] ?? citation.quote };
}

export interface Node {
  type: string;
  value?: string;
  tagName?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** Replaces the markers of a parsed text by `cite` elements that know number and occurrence. */
export function markersAsElements(before: Counts) {
  return (tree: Node): void => {
    const seen = { ...before };
    const replace = (node: Node, kept: boolean): Node[] => {
      if (node.type === "text") return piecesOf(node.value ?? "", seen, kept);
      const inside = kept || KEPT.has(node.tagName ?? "");
      if (node.children) node.children = node.children.flatMap((child) => replace(child, inside));
      return [node];
    };
    replace(tree, false);
  };
}

function piecesOf(text: string, seen: Counts, kept: boolean): Node[] {
  return text
    .split(/(\[\d+\])/)
    .filter((part) => part !== "")
    .map((part): Node => {
      const digits = MARKER.exec(part)?.[1];
      if (digits === undefined || part !== `[${digits}]`) return { type: "text", value: part };
      const n = Number(digits);
      const occurrence = seen[n] ?? 0;
      seen[n] = occurrence + 1;
      if (kept) return { type: "text", value: part };
      const properties = { dataN: n, dataOccurrence: occurrence };
      return { type: "element", tagName: "cite", properties, children: [] };
    });
}
