import { focusManager, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";

import { App } from "./app";
import { createQueries } from "./auth/session";
import { applyBranding, fetchBranding, UNBRANDED } from "./branding/branding";
import { languageWishes, offeredLanguages, startLanguage, startTexts } from "./i18n";
import "./styles/index.css";
import { applyTheme, storedTheme } from "./theme/theme";
import { Boundary } from "./ui/boundary";

// A window beside another one is never hidden, so coming back to it counts as well.
focusManager.setEventListener((onFocus) => {
  const look = () => {
    onFocus();
  };
  for (const name of ["focus", "visibilitychange"]) window.addEventListener(name, look);
  return () => {
    for (const name of ["focus", "visibilitychange"]) window.removeEventListener(name, look);
  };
});

async function start(root: HTMLElement): Promise<void> {
  applyTheme(storedTheme());
  // Without branding the dashboard still works, in its own colours, until it comes.
  const first = await fetchBranding().catch(() => null);
  const branding = first ?? UNBRANDED;
  applyBranding(branding);
  const wishes = languageWishes(branding.default_language);
  await startTexts(startLanguage(offeredLanguages(branding.languages), wishes));
  createRoot(root).render(
    <StrictMode>
      <Boundary>
        <QueryClientProvider client={createQueries()}>
          <BrowserRouter>
            <App firstBranding={first} />
          </BrowserRouter>
        </QueryClientProvider>
      </Boundary>
    </StrictMode>,
  );
}

const root = document.getElementById("root");
if (root) void start(root);
