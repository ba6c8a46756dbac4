import type { Page, Route } from "@playwright/test";

import { json, opening, stream, type Agent } from "./agent";
import { CITATION, conversation, document, event, id, message, problem, question } from "./bodies";
import { expect, test } from "./test";

const ASKED = "Bis wann muss ich Belege einreichen?";
const C = id(100);
const REFUSED = /Failed to load resource/;

async function ask(page: Page, text = ASKED): Promise<void> {
  await page.getByLabel("Ihre Frage").fill(text);
  await page.keyboard.press("Enter");
}

function withConversation(agent: Agent): void {
  agent.documents = [document(10)];
  agent.conversations = [conversation(100, "Reisekosten"), conversation(101, "Urlaub")];
  agent.messages.set(C, []);
  agent.messages.set(id(101), [question(1, id(101), "Wie viele Tage?"), message(2, id(101))]);
}

/** An answer whose stream breaks off; gives the later requests for the rest of it. */
function breakOff(agent: Agent): { stored: ReturnType<typeof message>; rest: Route[] } {
  const stored = message(1001, C);
  const rest: Route[] = [];
  agent.overrides.set(`POST /conversations/${C}/messages`, (route) => {
    agent.messages.set(C, [
      question(1000, C, ASKED),
      { ...stored, state: "streaming", content: "", outcome: null, citations: [] },
    ]);
    return stream(route, opening(stored));
  });
  agent.overrides.set(`GET /conversations/${C}/messages/${stored.id}/events`, (route) => {
    rest.push(route);
    return Promise.resolve();
  });
  return { stored, rest };
}

test("the keyboard alone: sign in, ask, open the source, close it", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.me = null;
  agent.documents = [document(10)];
  await page.goto("/");
  await expect(page.getByLabel("E-Mail-Adresse")).toBeFocused();
  await page.keyboard.type("admin@acme.example");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ein langes Passwort");
  await page.keyboard.press("Enter");
  const box = page.getByLabel("Ihre Frage");
  await expect(box).toBeFocused();
  await page.keyboard.type(ASKED);
  await page.keyboard.press("Enter");
  const chip = page.getByRole("button", { name: "Quelle 1: Handbuch 10.pdf, Seite 2" }).first();
  await expect(chip).toBeVisible();
  await expect(page).toHaveURL(/\/chat\/0000/);
  // Stored by now.
  await expect(page.locator("[aria-live]")).toHaveCount(0);
  await chip.focus();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Quelle 1" });
  await expect(panel).toBeFocused();
  await expect(panel.locator("mark")).toHaveText(CITATION.quote);
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(chip).toBeFocused();
});

test("Shift+Enter breaks the line, Enter sends, and sends once", async ({ page, agent }) => {
  withConversation(agent);
  await page.goto(`/chat/${C}`);
  const box = page.getByLabel("Ihre Frage");
  await box.fill("eins");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("zwei");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Sie", { exact: true })).toHaveText("eins\nzwei");
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
  expect(agent.seen.filter((line) => line.startsWith("POST"))).toHaveLength(1);
});

test("a broken stream is taken up after the last event seen", async ({ page, agent }) => {
  withConversation(agent);
  const { stored, rest } = breakOff(agent);
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect(page.getByText("Belege reichen Sie")).toBeVisible();
  await expect.poll(() => rest.length).toBe(1);
  expect(rest[0]?.request().headers()["last-event-id"]).toBe("5-0");
  agent.messages.set(C, [question(1000, C, ASKED), stored]);
  const end = event(6, "token", { text: "es ein." }) + event(9, "done", { message: stored });
  if (rest[0]) await stream(rest[0], end);
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
  await expect(page.getByText(ASKED)).toHaveCount(1);
});

test("stopping asks the agent, shows what it kept, and lets it be asked again", async ({
  page,
  agent,
}) => {
  withConversation(agent);
  const { stored, rest } = breakOff(agent);
  const kept = { ...stored, state: "stopped" as const, outcome: null };
  const stop = `POST /conversations/${C}/messages/${stored.id}/stop`;
  agent.overrides.set(stop, async (route) => {
    agent.messages.set(C, [question(1000, C, ASKED), kept]);
    await route.fulfill({ status: 204 });
    if (rest[0]) await stream(rest[0], event(9, "stopped", { message: kept }));
  });
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect.poll(() => rest.length).toBe(1);
  await page.getByRole("button", { name: "Anhalten" }).click();
  await expect(page.getByText("Unvollständig.")).toBeVisible();
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
  await expect(page.getByText(ASKED)).toHaveCount(1);
  expect(agent.seen.filter((line) => line === stop)).toHaveLength(1);
  agent.overrides.set(`POST /conversations/${C}/messages/${stored.id}/retry`, (route) => {
    agent.messages.set(C, [question(1000, C, ASKED), stored]);
    return stream(route, opening(stored) + event(9, "done", { message: stored }));
  });
  await page.getByRole("button", { name: "Noch einmal fragen" }).click();
  await expect(page.getByText("Unvollständig.")).toHaveCount(0);
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
});

test("a stop pressed before the answer has a name is told, and holds when the page is loaded again", async ({
  page,
  agent,
}) => {
  withConversation(agent);
  const stored = message(1001, C);
  const ASKING = `POST /conversations/${C}/messages`;
  const stop = `${ASKING}/${stored.id}/stop`;
  // Nothing comes back: the agent has the question, and the page does not know it yet.
  agent.overrides.set(ASKING, () => {
    agent.messages.set(C, [
      question(1000, C, ASKED),
      { ...stored, state: "streaming", content: "", outcome: null, citations: [] },
    ]);
    return Promise.resolve();
  });
  agent.overrides.set(`GET /conversations/${C}/messages/${stored.id}/events`, () =>
    Promise.resolve(),
  );
  agent.overrides.set(stop, (route) => route.fulfill({ status: 204 }));
  await page.goto(`/chat/${C}`);
  await ask(page);
  await page.getByRole("button", { name: "Anhalten" }).click();
  const stopping = page.getByRole("button", { name: "Wird angehalten …" });
  await expect(stopping).toHaveText("Wird angehalten …");
  await expect.poll(() => agent.seen.includes(ASKING)).toBe(true);
  expect(agent.seen).not.toContain(stop);
  await page.reload();
  await expect.poll(() => agent.seen.filter((line) => line === stop).length).toBe(1);
  await expect(stopping).toBeDisabled();
  await expect(page.getByText(ASKED)).toHaveCount(1);
  await expect(page.getByLabel("Ihre Frage")).toHaveValue("");
});

test("a question that did not arrive is in the composer when the page is loaded again", async ({
  page,
  agent,
}) => {
  withConversation(agent);
  agent.overrides.set(`POST /conversations/${C}/messages`, () => Promise.resolve());
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect(page.getByLabel("Ihre Frage")).toHaveValue("");
  await page.reload();
  await expect(page.getByLabel("Ihre Frage")).toHaveValue(ASKED);
});

test("a stop that does not reach the agent can be tried again", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  withConversation(agent);
  const { stored, rest } = breakOff(agent);
  const stop = `POST /conversations/${C}/messages/${stored.id}/stop`;
  agent.overrides.set(stop, (route) => route.abort());
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect.poll(() => rest.length).toBe(1);
  const button = page.getByRole("button", { name: "Anhalten" });
  await button.click();
  await expect.poll(() => agent.seen.filter((line) => line === stop).length).toBe(1);
  await expect(button).toBeEnabled();
});

test("the second half of a double click does not stop the answer", async ({ page, agent }) => {
  withConversation(agent);
  const { rest } = breakOff(agent);
  await page.goto(`/chat/${C}`);
  await page.getByLabel("Ihre Frage").fill(ASKED);
  await page.getByRole("button", { name: "Senden" }).dblclick();
  await expect.poll(() => rest.length).toBe(1);
  await expect(page.getByRole("button", { name: "Anhalten" })).toBeEnabled();
  expect(agent.seen.some((line) => line.endsWith("/stop"))).toBe(false);
});

test("a marker stays the same element from its first sentence to the stored answer", async ({
  page,
  agent,
}) => {
  withConversation(agent);
  const { stored, rest } = breakOff(agent);
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect.poll(() => rest.length).toBe(1);
  const said = event(6, "citation", CITATION) + event(7, "token", { text: "es ein [1]." });
  if (rest[0]) await stream(rest[0], said);
  const marker = page.getByRole("button", { name: /^Quelle 1/ }).first();
  await marker.focus();
  await marker.evaluate((element) => {
    element.id = "the-same";
  });
  await expect.poll(() => rest.length).toBe(2);
  agent.messages.set(C, [
    question(1000, C, ASKED),
    { ...stored, content: "Belege reichen Sie es ein [1]." },
  ]);
  if (rest[1]) {
    const message = { ...stored, content: "Belege reichen Sie es ein [1]." };
    await stream(rest[1], event(9, "done", { message }));
  }
  await expect(page.locator("[aria-live]")).toHaveCount(0);
  await expect(page.locator("#the-same")).toBeFocused();
});

test("the panel marks the sentence behind the marker and scrolls to it", async ({
  page,
  agent,
}) => {
  withConversation(agent);
  const second = "Danach verfällt der Anspruch.";
  const before = "Davor steht noch einiges.\n\n".repeat(80);
  const text = `${before}${CITATION.quote} ${second}`;
  agent.page = { ...agent.page, text, highlights: [{ start: before.length, end: text.length }] };
  agent.messages.set(C, [
    question(1000, C, ASKED),
    message(1001, C, {
      content: "Binnen 14 Tagen [1].\n\nDanach nicht mehr [1].",
      citations: [{ ...CITATION, quotes: [CITATION.quote, second] }],
    }),
  ]);
  await page.goto(`/chat/${C}`);
  const markers = page.locator(".answer-text").getByRole("button");
  const panel = page.getByRole("complementary", { name: "Quelle 1" });
  for (const [index, quote] of [CITATION.quote, second].entries()) {
    await markers.nth(index).click();
    await expect(panel.locator("mark")).toHaveText(quote);
    await expect(panel.locator("mark")).toBeInViewport();
    await expect(panel).toHaveAccessibleDescription(quote);
  }
  await expect(panel.getByRole("link", { name: "Original öffnen" })).toHaveAttribute(
    "href",
    `/api/v1/documents/${CITATION.document_id}/file#page=2`,
  );
});

test("an answer being written is taken up when the page is opened", async ({ page, agent }) => {
  withConversation(agent);
  const stored = message(1001, C);
  const open = { ...stored, state: "streaming" as const, content: "", citations: [] };
  agent.messages.set(C, [question(1000, C, ASKED), open]);
  agent.overrides.set(`GET /conversations/${C}/messages/${stored.id}/events`, (route) => {
    agent.messages.set(C, [question(1000, C, ASKED), stored]);
    return stream(route, opening(stored) + event(9, "done", { message: stored }));
  });
  await page.goto(`/chat/${C}`);
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
  await expect(page.getByText(ASKED)).toHaveCount(1);
});

test("another conversation shows nothing of the answer left behind", async ({ page, agent }) => {
  withConversation(agent);
  const { rest } = breakOff(agent);
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect.poll(() => rest.length).toBe(1);
  const other = page.getByRole("link", { name: "Urlaub" });
  await expect(other).toHaveAttribute("title", "Urlaub");
  await other.click();
  await expect(page.getByText("Wie viele Tage?")).toBeVisible();
  await expect(page.getByText(ASKED)).toHaveCount(0);
  await page.goBack();
  await expect(page.getByText(ASKED)).toHaveCount(1);
  await expect.poll(() => rest.length).toBe(2);
});

test("a failure shows the agent's sentence and can be tried again", async ({ page, agent }) => {
  withConversation(agent);
  const stored = message(1001, C);
  const failure = { code: "model_busy", message: "Das Modell ist ausgelastet.", retryable: true };
  agent.overrides.set(`POST /conversations/${C}/messages`, (route) => {
    agent.messages.set(C, [
      question(1000, C, ASKED),
      { ...stored, state: "failed", content: "", failure, citations: [], outcome: null },
    ]);
    return stream(route, opening(stored) + event(9, "error", { message_id: stored.id, failure }));
  });
  agent.overrides.set(`POST /conversations/${C}/messages/${stored.id}/retry`, (route) => {
    agent.messages.set(C, [question(1000, C, ASKED), stored]);
    return stream(route, opening(stored) + event(9, "done", { message: stored }));
  });
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect(page.getByRole("alert")).toContainText(failure.message);
  await expect(page.getByText("Belege reichen")).toHaveCount(0);
  await page.getByRole("button", { name: "Noch einmal fragen" }).click();
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
  await expect(page.getByText(ASKED)).toHaveCount(1);
});

test("a refused question stays on the screen with its reason", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  withConversation(agent);
  const detail = "Die vorige Antwort läuft noch.";
  agent.overrides.set(`POST /conversations/${C}/messages`, (route) =>
    json(route, 409, problem(409, "still_answering", detail)),
  );
  await page.goto(`/chat/${C}`);
  await ask(page);
  await expect(page.getByRole("alert")).toContainText(detail);
  agent.overrides.clear();
  await page.getByRole("button", { name: "Noch einmal fragen" }).click();
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
});

test("what the documents do not say is said so", async ({ page, agent }) => {
  withConversation(agent);
  agent.messages.set(C, [
    question(1000, C, ASKED),
    message(1001, C, { outcome: "not_found", content: "Nicht gefunden.", citations: [] }),
  ]);
  await page.goto(`/chat/${C}`);
  await expect(page.getByText("Nicht in Ihren Dokumenten gefunden")).toBeVisible();
});

test("an address of no conversation says so", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  withConversation(agent);
  await page.goto(`/chat/${id(999)}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(
    "Dieses Gespräch gibt es nicht (mehr).",
  );
});

test("a deleted source still shows the sentence the answer rests on", async ({ page, agent }) => {
  withConversation(agent);
  agent.messages.set(C, [
    question(1000, C, ASKED),
    message(1001, C, { citations: [{ ...CITATION, available: false }] }),
  ]);
  await page.goto(`/chat/${C}`);
  await page.getByRole("list", { name: "Quellen" }).getByRole("button").click();
  const panel = page.getByRole("complementary", { name: "Quelle 1" });
  await expect(panel.getByRole("alert")).toBeVisible();
  await expect(panel.getByRole("blockquote")).toHaveText(CITATION.quote);
});
