// A page before the agent's double; a console error that no test expects fails it.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";

import { Agent } from "./agent";

export const test = base.extend<{ agent: Agent }>({
  agent: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (entry) => {
      if (entry.type() === "error" || entry.type() === "warning") errors.push(entry.text());
    });
    const agent = new Agent();
    await agent.attach(page);
    await use(agent);
    // Taken before the double goes: what the page asks after that finds nobody, and says so.
    const said = [...errors];
    await page.unrouteAll({ behavior: "ignoreErrors" });
    const surprising = said.filter((text) => !agent.expected.some((known) => known.test(text)));
    expect(surprising).toEqual([]);
  },
});

/**
 * Every rule of axe, and only what a failure needs to be found: how each of hundreds of elements
 * would be addressed is most of its work. There is no frame, which is what legacy mode leaves out.
 */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true)
    .options({ resultTypes: ["violations"], selectors: false })
    .analyze();
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
