// Serves the built files under the agent's own content security policy while the tests run: a
// header of the server, since one put in by intercepting every file costs more than the file.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { preview } from "vite";

const SECURITY = resolve(import.meta.dirname, "../../src/tenant_agent/web/security.py");

function agentPolicy(): string {
  const source = readFileSync(SECURITY, "utf8");
  const block = /CONTENT_SECURITY_POLICY = "; "\.join\(\n\s+\(([^]*?)\n\s+\)\n\)/.exec(source)?.[1];
  const directives = [...(block ?? "").matchAll(/"([^"\n]+)"/g)].map(([, text]) => text);
  if (directives.length < 5) throw new Error(`No policy found in ${SECURITY}`);
  return directives.join("; ");
}

export default async function serve(): Promise<() => Promise<void>> {
  const server = await preview({
    configFile: false,
    logLevel: "error",
    preview: {
      port: 0,
      headers: { "content-security-policy": agentPolicy() },
    },
  });
  // Workers start after this and read the configuration again: that is how they learn the port.
  process.env.DASHBOARD_URL = server.resolvedUrls?.local[0];
  return () => server.close();
}
