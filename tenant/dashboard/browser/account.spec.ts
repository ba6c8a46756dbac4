import { json } from "./agent";
import { conversation, id, ME, problem } from "./bodies";
import { expect, test } from "./test";

const REFUSED = /Failed to load resource/;

test("a refused sign-in shows the agent's sentence", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.me = null;
  const detail = "E-Mail-Adresse oder Passwort stimmt nicht.";
  agent.overrides.set("POST /session", (route) =>
    json(route, 401, problem(401, "invalid_credentials", detail)),
  );
  await page.goto("/documents");
  await page.getByLabel("E-Mail-Adresse").fill("admin@acme.example");
  await page.getByLabel("Passwort", { exact: true }).fill("falsch");
  await page.getByRole("button", { name: "Anmelden" }).click();
  await expect(page.getByRole("alert")).toHaveText(detail);
  agent.overrides.clear();
  await page.getByRole("button", { name: "Anmelden" }).click();
  await expect(page.getByRole("heading", { name: "Dokumente", level: 1 })).toBeVisible();
});

test("a machine that just starts is waited for, and its brand comes later", async ({
  page,
  agent,
}) => {
  agent.expected.push(REFUSED);
  agent.me = null;
  agent.branding = { ...agent.branding, name: "Acme Kanzlei" };
  for (const key of ["GET /branding", "GET /session"]) {
    agent.overrides.set(key, (route) => route.fulfill({ status: 502, body: "Bad Gateway" }));
  }
  await page.goto("/");
  await expect(page.getByRole("alert")).toContainText("gerade nicht erreichbar");
  await expect(page.getByRole("status")).toHaveText("Wird von selbst erneut versucht …");
  agent.overrides.clear();
  await expect(page.getByLabel("E-Mail-Adresse")).toBeVisible();
  await expect(page.getByText("Acme Kanzlei").first()).toBeVisible();
});

test("a first call that is never answered leaves no empty page", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.me = null;
  let open = 0;
  agent.overrides.set("GET /branding", () => {
    open += 1;
    return Promise.resolve();
  });
  await page.goto("/");
  await expect(page.getByRole("status")).toHaveText("Wird geladen … / Loading …");
  await expect.poll(() => open).toBeGreaterThan(0);
  await expect(page.getByLabel("E-Mail-Adresse")).toBeVisible();
});

test("the one-time password has to be replaced first", async ({ page, agent }) => {
  agent.me = { ...ME, must_change_password: true };
  agent.overrides.set("POST /session/password", (route) => {
    agent.me = { ...ME };
    return json(route, 200, agent.me);
  });
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Eigenes Passwort festlegen");
  await page.getByLabel("Aktuelles Passwort").fill("einmal");
  await page.getByLabel("Neues Passwort", { exact: true }).fill("ein langes Passwort");
  await page.getByLabel("Neues Passwort wiederholen").fill("ein anderes");
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("Neues Passwort wiederholen").fill("ein langes Passwort");
  await page.getByRole("button", { name: "Passwort festlegen" }).click();
  await expect(page.getByLabel("Ihre Frage")).toBeVisible();
});

test("a password is changed in the account menu, and a wrong one is refused", async ({
  page,
  agent,
}) => {
  agent.expected.push(REFUSED);
  const detail = "Das aktuelle Passwort stimmt nicht.";
  agent.overrides.set("POST /session/password", (route) =>
    json(route, 403, problem(403, "wrong_password", detail)),
  );
  await page.goto("/");
  await page.getByRole("button", { name: "Konto admin@acme.example" }).click();
  await page.getByRole("button", { name: "Passwort ändern" }).click();
  const dialog = page.getByRole("dialog");
  await expect(page.getByRole("button", { name: "Abmelden" })).toBeHidden();
  await dialog.getByLabel("Aktuelles Passwort").fill("falsch");
  await dialog.getByLabel("Neues Passwort", { exact: true }).fill("ein langes Passwort");
  await dialog.getByLabel("Neues Passwort wiederholen").fill("ein langes Passwort");
  await dialog.getByRole("button", { name: "Speichern" }).click();
  await expect(dialog.getByRole("alert")).toHaveText(detail);
  agent.overrides.set("POST /session/password", (route) => json(route, 200, ME));
  await dialog.getByRole("button", { name: "Speichern" }).click();
  await expect(dialog.getByRole("status")).toContainText("Ihr Passwort ist geändert.");
  await dialog.getByRole("button", { name: "Schließen" }).click();
  await expect(dialog).toBeHidden();
});

test("signing out shows the sign-in screen and forgets what was loaded", async ({
  page,
  agent,
}) => {
  agent.expected.push(REFUSED);
  agent.conversations = [conversation(100, "Vertraulich")];
  agent.messages.set(id(100), []);
  await page.goto(`/chat/${id(100)}`);
  await expect(page.getByRole("link", { name: "Vertraulich" })).toBeVisible();
  await page.getByRole("button", { name: "Konto admin@acme.example" }).click();
  await page.getByRole("button", { name: "Abmelden" }).click();
  await expect(page.getByRole("heading", { name: "Anmelden" })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
  agent.conversations = [];
  await page.getByLabel("E-Mail-Adresse").fill("other@acme.example");
  await page.getByLabel("Passwort", { exact: true }).fill("ein langes Passwort");
  await page.getByRole("button", { name: "Anmelden" }).click();
  await expect(page.getByText("Noch keine Gespräche.")).toBeVisible();
});

test("a sign-out that did not reach the agent is not shown as one", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.overrides.set("DELETE /session", (route) => route.abort());
  await page.goto("/");
  await page.getByRole("button", { name: "Konto admin@acme.example" }).click();
  await page.getByRole("button", { name: "Abmelden" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Ihre Frage")).toBeVisible();
});

for (const [what, act] of [
  ["asking", "ask"],
  ["opening another page", "open"],
  ["uploading", "upload"],
] as const) {
  test(`a session that ended is noticed when ${what}`, async ({ page, agent }) => {
    agent.expected.push(REFUSED);
    await page.goto(act === "upload" ? "/documents" : "/chat");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    agent.me = null;
    if (act === "open") await page.getByRole("link", { name: "Dokumente", exact: true }).click();
    if (act === "ask") {
      await page.getByLabel("Ihre Frage").fill("Noch da?");
      await page.keyboard.press("Enter");
    }
    if (act === "upload") {
      const file = { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") };
      await page.locator("input[type=file]").setInputFiles(file);
    }
    await expect(page.getByRole("alert")).toHaveText(
      "Ihre Sitzung ist abgelaufen. Bitte melden Sie sich erneut an.",
    );
    await expect(page.getByLabel("E-Mail-Adresse")).toBeFocused();
  });
}

test("a question survives the end of the session, for the account that typed it", async ({
  page,
  agent,
}) => {
  agent.expected.push(REFUSED);
  agent.conversations = [conversation(100, "Reisekosten")];
  agent.messages.set(id(100), []);
  await page.goto(`/chat/${id(100)}`);
  const asked = "Bis wann muss ich Belege einreichen?";
  await page.getByLabel("Ihre Frage").fill(asked);
  agent.me = null;
  await page.keyboard.press("Enter");
  await page.getByLabel("E-Mail-Adresse").fill("admin@acme.example");
  await page.getByLabel("Passwort", { exact: true }).fill("ein langes Passwort");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/chat/${id(100)}`);
  await expect(page.getByLabel("Ihre Frage")).toHaveValue(asked);
  await expect(page.getByLabel("Ihre Frage")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByText("innerhalb von 14 Tagen")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Ihre Frage")).toHaveValue("");
});

test("signing out forgets the question being typed", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  await page.goto("/");
  await page.getByLabel("Ihre Frage").fill("Vertraulich");
  await page.getByRole("button", { name: "Konto admin@acme.example" }).click();
  await page.getByRole("button", { name: "Abmelden" }).click();
  await expect(page.getByRole("heading", { name: "Anmelden" })).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("a changed brand shows when the window is looked at again", async ({ page, agent }) => {
  await page.goto("/");
  await expect(page).toHaveTitle("Chat · Acme");
  agent.branding = { ...agent.branding, name: "Beispiel AG", primary: "#b45309" };
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(page).toHaveTitle("Chat · Beispiel AG");
  const brand = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--brand"));
  await expect.poll(brand).toBe("#b45309");
});

test("the language can be chosen before signing in, and is remembered", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.me = null;
  await page.goto("/");
  await page.getByText("English", { exact: true }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("an agent that does not answer is said so, and asked again", async ({ page, agent }) => {
  agent.expected.push(REFUSED);
  agent.overrides.set("GET /session", (route) => route.abort());
  await page.goto("/");
  await expect(page.getByRole("alert")).toBeVisible({ timeout: 15_000 });
  agent.overrides.clear();
  await page.getByRole("button", { name: "Erneut versuchen" }).click();
  await expect(page.getByLabel("Ihre Frage")).toBeVisible();
});
