import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";

import { App } from "./app";
import { createQueries } from "./auth/session";
import { applyBranding, fetchBranding, type Branding } from "./branding/branding";
import { startLanguage, startTexts } from "./i18n";
import "./styles/index.css";
import { applyTheme, storedTheme } from "./theme/theme";

const UNBRANDED: Branding = {
  name: "Assistant",
  logo: "",
  primary: "",
  accent: "",
  languages: ["de", "en"],
  default_language: "de",
};

async function start(root: HTMLElement): Promise<void> {
  applyTheme(storedTheme());
  // Without branding the dashboard still works, in its own colours.
  const branding = await fetchBranding().catch(() => UNBRANDED);
  applyBranding(branding);
  await startTexts(startLanguage(branding.default_language));
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={createQueries()}>
        <BrowserRouter>
          <App branding={branding} />
        </BrowserRouter>
      </QueryClientProvider>
    </StrictMode>,
  );
}

const root = document.getElementById("root");
if (root) void start(root);
