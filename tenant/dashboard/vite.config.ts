import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` talks to an agent on this machine; the built files are served by the agent itself.
const agent = process.env.AGENT_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  // The content security policy allows no data: scripts or styles, so nothing is inlined.
  build: { target: "es2023", assetsInlineLimit: 0, sourcemap: false },
  server: { proxy: { "/api": agent } },
  preview: { proxy: { "/api": agent } },
  test: {
    // Files that need a page (their first line says so) ask for jsdom, whose start costs more than most of the tests.
    environment: "node",
    // A context of its own for each file, as isolating as a process, but the packages are read once.
    pool: "vmThreads",
    maxWorkers: 1,
    setupFiles: ["./src/test-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
