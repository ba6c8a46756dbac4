// An answer cut into blocks of Markdown: while it grows, only the last block changes.
import { countMarkers, type Counts } from "./markers";

const FENCE = /^ {0,3}(```|~~~)/;
const LISTED = /^(\s|[-*+]\s|\d+[.)]\s|>)/;

/** A block, and how often each number was marked before it. */
export interface Block {
  text: string;
  before: Counts;
}

/** Paragraphs with the blank lines between them as cuts; code keeps its own. */
function paragraphs(text: string): string[] {
  const found: string[][] = [[]];
  let fenced = false;
  for (const line of text.split("\n")) {
    if (FENCE.test(line)) fenced = !fenced;
    if (line.trim() === "" && !fenced) found.push([]);
    else found.at(-1)?.push(line);
  }
  return found.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
}

/** Blocks that can be read one by one: a list stays whole although blank lines part its items. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  for (const paragraph of paragraphs(text)) {
    const last = blocks.at(-1);
    if (last && LISTED.test(last.text) && LISTED.test(paragraph)) last.text += `\n\n${paragraph}`;
    else blocks.push({ text: paragraph, before: last ? countMarkers(last.text, last.before) : {} });
  }
  return blocks;
}
