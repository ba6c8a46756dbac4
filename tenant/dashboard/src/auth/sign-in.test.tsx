// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it, type MockInstance, vi } from "vitest";

import { startTexts } from "../i18n";
import { createQueries } from "./session";
import { SignIn } from "./sign-in";

const BRANDING = {
  name: "Acme",
  logo: "",
  primary: "#0f766e",
  accent: "#0f766e",
  languages: ["de"],
  default_language: "de",
};

beforeAll(() => startTexts("de"));

/** Signs in with whatever the page's `fetch` makes of it, and returns what the reader is told. */
async function told(fetched: MockInstance<typeof fetch>): Promise<HTMLElement> {
  render(
    <QueryClientProvider client={createQueries()}>
      <SignIn branding={BRANDING} />
    </QueryClientProvider>,
  );
  await userEvent.type(screen.getByLabelText("E-Mail-Adresse"), "a@acme.example");
  await userEvent.type(screen.getByLabelText("Passwort"), "falsch");
  await userEvent.click(screen.getByRole("button", { name: "Anmelden" }));
  const alert = await screen.findByRole("alert");
  fetched.mockRestore();
  return alert;
}

describe("SignIn", () => {
  it("shows the agent's own sentence when the sign-in is refused", async () => {
    const detail = "E-Mail-Adresse oder Passwort stimmt nicht.";
    const refusal = Response.json({ detail, code: "invalid_credentials" }, { status: 401 });
    const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValue(refusal);
    expect(await told(fetched)).toHaveTextContent(detail);
  });

  it("says in the reader's language that nobody answered", async () => {
    const lost = new TypeError("Failed to fetch");
    const fetched = vi.spyOn(globalThis, "fetch").mockRejectedValue(lost);
    const alert = await told(fetched);
    expect(alert).toHaveTextContent("nicht erreichbar");
    expect(alert).not.toHaveTextContent("fetch");
  });
});
