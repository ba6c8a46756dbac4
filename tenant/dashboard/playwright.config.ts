import { existsSync } from "node:fs";

import { defineConfig } from "@playwright/test";

// Chromium without its desktop does the same to a page for two thirds of the processor time.
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

// The built files in a real browser; the agent behind them is played by browser/agent.ts.
export default defineConfig({
  testDir: "browser",
  outputDir: "test-results",
  globalSetup: "./browser/server.ts",
  reporter: "dot",
  forbidOnly: true,
  // A second one costs 8 % more, and in `make test` other jobs have work for the other processor.
  workers: 1,
  fullyParallel: true,
  // Other tests run beside these on two cores: a slow page is no fault, one that never comes is.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: process.env.DASHBOARD_URL,
    locale: "de-DE",
    timezoneId: "Europe/Berlin",
    contextOptions: { reducedMotion: "reduce" },
    // A trace films every test to keep the few that fail: `npx playwright test --trace on` asks.
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path)) ?? "",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
