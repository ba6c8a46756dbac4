import { json, stream } from "./agent";
import { document, event, id, job, ME, problem } from "./bodies";
import { expect, test } from "./test";

const REFUSED = /Failed to load resource/;
const FILE = { name: "neu.txt", mimeType: "text/plain", buffer: Buffer.from("Inhalt") };

test("an upload appears at once and its job is followed live", async ({ page, agent }) => {
  const started = document(20, {
    name: "neu.txt",
    state: "processing",
    page_count: null,
    job: job(id(20), { state: "running", stage: "embedding", progress: 0.4 }),
  });
  agent.overrides.set("POST /documents", (route) => json(route, 202, started));
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  let opened = false;
  agent.overrides.set("GET /jobs/events", async (route) => {
    if (opened) return;
    opened = true;
    await ended;
    const updated_at = "2026-11-20T09:31:00Z";
    const ready = document(20, { name: "neu.txt", job: job(id(20), { updated_at }) });
    await stream(route, event(8, "document", ready));
  });
  await page.goto("/documents");
  await page.locator("input[type=file]").setInputFiles(FILE);
  const row = page.getByRole("listitem").filter({ hasText: "neu.txt" });
  await expect(row).toContainText("Wird ausgewertet …");
  await expect(row.getByRole("progressbar")).toHaveAttribute("value", "0.4");
  end();
  await expect(row).toContainText("Bereit");
  await expect(page.getByRole("status")).toContainText("neu.txt: Bereit");
});

test("a duplicate says so and leads to the document that is there", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.documents = Array.from({ length: 300 }, (_, index) => document(200 + index));
  const detail = "Dieses Dokument ist schon vorhanden: „Handbuch 450.pdf“.";
  const refusal = { ...problem(409, "duplicate", detail), document_id: id(450) };
  agent.overrides.set("POST /documents", (route) => json(route, 409, refusal));
  await page.goto("/documents");
  await expect(page.getByText("300 Dokumente")).toBeVisible();
  await page.locator("input[type=file]").setInputFiles(FILE);
  await expect(page.getByText(detail)).toBeVisible();
  await page.getByRole("button", { name: "Zeigen" }).click();
  const twin = page.getByRole("link", { name: "Handbuch 450.pdf öffnen" });
  await expect(twin).toBeFocused();
  await expect(twin).toBeInViewport();
  await page.getByRole("button", { name: "Hinweis zu neu.txt entfernen" }).click();
  await expect(page.getByText(detail)).toHaveCount(0);
});

test("an upload goes on while another page is read, and can be cancelled", async ({
  page,
  agent,
}) => {
  agent.expected.push(REFUSED);
  agent.overrides.set("POST /documents", () => Promise.resolve());
  await page.goto("/documents");
  await page.locator("input[type=file]").setInputFiles(FILE);
  await page.getByRole("link", { name: "Chat", exact: true }).click();
  await page.getByRole("link", { name: "Dokumente", exact: true }).click();
  await page.getByRole("button", { name: "Übertragung von neu.txt abbrechen" }).click();
  await expect(page.getByText("neu.txt")).toHaveCount(0);
});

test("a file above the limit is refused before anything is sent", async ({ page, agent }) => {
  agent.me = { ...ME, upload_limit: 2 ** 20 };
  await page.goto("/documents");
  await expect(page.getByText("bis 1 MB")).toBeVisible();
  const large = {
    name: "groß.pdf",
    mimeType: "application/pdf",
    buffer: Buffer.alloc(2 ** 20 + 1),
  };
  await page.locator("input[type=file]").setInputFiles(large);
  await expect(page.getByText("Die Datei ist größer als 1 MB.")).toBeVisible();
  expect(agent.seen).not.toContain("POST /documents");
});

test("a failed job shows its cause and is retried where that helps", async ({ page, agent }) => {
  const failed = (number: number, code: string, message: string, retryable: boolean) =>
    document(number, {
      state: "failed",
      page_count: null,
      job: job(id(number), { state: "failed", failure: { code, message, retryable } }),
    });
  agent.documents = [
    failed(30, "encrypted", "Die Datei ist mit einem Passwort geschützt.", false),
    failed(31, "model_down", "Das Modell antwortet nicht.", true),
  ];
  const again = job(id(31), { state: "queued", stage: "waiting", progress: 0 });
  agent.overrides.set(`POST /documents/${id(31)}/retry`, (route) =>
    json(route, 202, document(31, { state: "queued", job: again })),
  );
  await page.goto("/documents");
  await expect(page.getByText("Die Datei ist mit einem Passwort geschützt.")).toBeVisible();
  await page.getByRole("button", { name: "Erneut verarbeiten" }).click();
  await expect(page.getByText("Wartet")).toBeVisible();
  await expect(page.getByText("Das Modell antwortet nicht.")).toHaveCount(0);
});

test("a document is deleted after a question", async ({ page, agent }) => {
  agent.documents = [document(40), document(41)];
  await page.goto("/documents");
  await page.getByRole("button", { name: "Handbuch 40.pdf löschen" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Abbrechen" }).click();
  await expect(page.getByRole("button", { name: "Handbuch 40.pdf löschen" })).toBeFocused();
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Löschen" }).click();
  await expect(page.getByText("Handbuch 40.pdf")).toHaveCount(0);
  await expect(page.locator("#content")).toBeFocused();
  await expect(page.getByText("Handbuch 41.pdf")).toBeVisible();
});

test("300 documents are all there and can be filtered", async ({ page, agent }) => {
  agent.documents = Array.from({ length: 300 }, (_, index) => document(200 + index));
  await page.goto("/documents");
  await expect(page.locator(".document")).toHaveCount(300);
  await page.getByRole("searchbox", { name: "Dokumente filtern" }).fill("499");
  await expect(page.locator(".document")).toHaveCount(1);
});
