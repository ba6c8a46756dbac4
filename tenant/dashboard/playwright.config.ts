import { defineConfig } from "@playwright/test";

const PORT = 4179;

// The built files in a real browser; the agent behind them is played by browser/agent.ts.
export default defineConfig({
  testDir: "browser",
  outputDir: "test-results",
  reporter: "dot",
  forbidOnly: true,
  workers: 2,
  fullyParallel: true,
  // Other tests run beside these on two cores: a slow page is no fault, one that never comes is.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: `http://localhost:${PORT}`,
    locale: "de-DE",
    timezoneId: "Europe/Berlin",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
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
  webServer: {
    command: `npx vite preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}/`,
    reuseExistingServer: false,
  },
});
