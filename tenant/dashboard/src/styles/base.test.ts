import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { contrast, parseHex } from "../branding/colour";

const [light, dark] = readFileSync("src/styles/base.css", "utf8").split('[data-theme="dark"]');

function colour(theme: string | undefined, name: string) {
  const found = new RegExp(`--${name}: (#\\w+);`).exec(theme ?? "")?.[1];
  const parsed = parseHex(found ?? "");
  if (parsed === null) throw new Error(`base.css gives no colour for --${name}`);
  return parsed;
}

describe.each([
  ["light", light],
  ["dark", dark],
])("the %s theme", (_, theme) => {
  it.each(["canvas", "surface", "raised"])("shows where a field ends on %s", (behind) => {
    expect(contrast(colour(theme, "edge"), colour(theme, behind))).toBeGreaterThanOrEqual(3);
  });
});
