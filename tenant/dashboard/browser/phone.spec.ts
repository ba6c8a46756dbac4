// A phone: what slides over the page takes the focus, and the keyboard leaves room for the question.
import { conversation, document as file, id, message, question } from "./bodies";
import { expect, test } from "./test";

const C = id(100);

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

test.beforeEach(({ agent }) => {
  agent.documents = [file(10)];
  agent.conversations = [conversation(100, "Reisekosten")];
  agent.messages.set(
    C,
    Array.from({ length: 20 }, (_, n) => [
      question(2 * n, C, `Frage ${n}?`),
      message(2 * n + 1, C),
    ]).flat(),
  );
});

test("the side bar takes the focus, keeps it, and gives it back", async ({ page }) => {
  await page.goto(`/chat/${C}`);
  const menu = page.getByRole("button", { name: "Menü" });
  await menu.focus();
  await page.keyboard.press("Enter");
  const bar = page.locator("#side-bar");
  await expect(bar).toBeFocused();
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    const outside = await page.evaluate(() => document.activeElement?.closest("main, header"));
    expect(outside).toBeNull();
  }
  await page.keyboard.press("Escape");
  await expect(menu).toBeFocused();
  await menu.click();
  await page.getByRole("link", { name: "Dokumente", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Dokumente", level: 1 })).toBeVisible();
  await expect(page.locator("#content")).toBeFocused();
});

test("the source covers the conversation for every sense", async ({ page }) => {
  await page.goto(`/chat/${C}`);
  const marker = page.locator(".answer-text").last().getByRole("button");
  await marker.click();
  const panel = page.getByRole("complementary", { name: "Quelle 1" });
  await expect(panel).toBeFocused();
  await expect(page.getByLabel("Ihre Frage")).toBeHidden();
  await panel.getByRole("button", { name: "Schließen" }).click();
  await expect(marker).toBeFocused();
  await expect(marker).toBeInViewport();
});

test("a finger finds what it taps, and is not asked to drag files", async ({ page }) => {
  await page.goto(`/chat/${C}`);
  const last = page.locator(".answer").last();
  for (const target of [last.locator(".source-link"), last.locator(".copy")]) {
    expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  }
  await page.goto("/documents");
  await expect(page.getByText("Dateien auswählen", { exact: true })).toBeVisible();
});

test("the keyboard of the screen leaves the question and the end in sight", async ({ page }) => {
  await page.goto(`/chat/${C}`);
  const box = page.getByLabel("Ihre Frage");
  await expect(box).not.toBeFocused();
  await expect(box).toHaveAttribute("enterkeyhint", "send");
  await box.tap();
  // As a browser with interactive-widget=resizes-content does when the keyboard comes up.
  await page.setViewportSize({ width: 390, height: 420 });
  await expect(box).toBeInViewport({ ratio: 1 });
  await expect(page.getByRole("button", { name: "Senden" })).toBeInViewport({ ratio: 1 });
  await expect(page.locator(".answer").last()).toBeInViewport();
  await box.fill("Und sonst?");
  await page.keyboard.press("Enter");
  await expect(box).not.toBeFocused();
  await expect(page.getByText("Und sonst?")).toBeInViewport();
});
