// The browser under the agent's own content security policy; a console error fails the test.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";

import { Agent } from "./agent";

const SECURITY = resolve(import.meta.dirname, "../../src/tenant_agent/web/security.py");

function agentPolicy(): string {
  const source = readFileSync(SECURITY, "utf8");
  const block = /CONTENT_SECURITY_POLICY = "; "\.join\(\n\s+\(([^]*?)\n\s+\)\n\)/.exec(source)?.[1];
  const directives = [...(block ?? "").matchAll(/"([^"\n]+)"/g)].map(([, text]) => text);
  if (directives.length < 5) throw new Error(`No policy found in ${SECURITY}`);
  return directives.join("; ");
}

const POLICY = agentPolicy();

async function enforcePolicy(page: Page): Promise<void> {
  await page.route(/^(?!.*\/api\/v1\/).*$/, async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), "content-security-policy": POLICY };
    await route.fulfill({ response, headers });
  });
}

export const test = base.extend<{ agent: Agent }>({
  agent: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (entry) => {
      if (entry.type() === "error" || entry.type() === "warning") errors.push(entry.text());
    });
    const agent = new Agent();
    await enforcePolicy(page);
    await agent.attach(page);
    await use(agent);
    // Taken before the double goes: what the page asks after that finds nobody, and says so.
    const said = [...errors];
    await page.unrouteAll({ behavior: "ignoreErrors" });
    const surprising = said.filter((text) => !agent.expected.some((known) => known.test(text)));
    expect(surprising).toEqual([]);
  },
});

export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" | ")}`);
  expect(found).toEqual([]);
}

export async function expectNoSideways(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => {
    const wide = (element: Element) => element.scrollWidth - element.clientWidth;
    const scrollers = [
      ...document.querySelectorAll("html, .content, .messages, .page-text, .door"),
    ];
    return Math.max(...scrollers.map(wide));
  });
  expect(overflow).toBeLessThanOrEqual(0);
}

export { expect };
