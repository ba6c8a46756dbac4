import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it, vi } from "vitest";

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

describe("SignIn", () => {
  it("shows the agent's own sentence when the sign-in is refused", async () => {
    const detail = "E-Mail-Adresse oder Passwort stimmt nicht.";
    const refusal = Response.json({ detail, code: "invalid_credentials" }, { status: 401 });
    const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValue(refusal);
    render(
      <QueryClientProvider client={createQueries()}>
        <SignIn branding={BRANDING} />
      </QueryClientProvider>,
    );
    await userEvent.type(screen.getByLabelText("E-Mail-Adresse"), "a@acme.example");
    await userEvent.type(screen.getByLabelText("Passwort"), "falsch");
    await userEvent.click(screen.getByRole("button", { name: "Anmelden" }));
    expect(await screen.findByRole("alert")).toHaveTextContent(detail);
    fetched.mockRestore();
  });
});
