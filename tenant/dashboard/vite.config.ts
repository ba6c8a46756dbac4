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
    environment: "jsdom",
    setupFiles: ["./src/test-setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
