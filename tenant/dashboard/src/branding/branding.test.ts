// @vitest-environment jsdom
import { describe, expect, it } from "vitest";

import { brandStyles } from "./branding";
import { contrast, parseHex, readableOn, textOn } from "./colour";

const rgb = (hex: string | undefined) => parseHex(hex ?? "") ?? [0, 0, 0];

describe("colours of a brand", () => {
  it("parses short and long hex, and nothing else", () => {
    expect(parseHex("#0fa")).toEqual([0, 255, 170]);
    expect(parseHex("#00ffaa")).toEqual([0, 255, 170]);
    expect(parseHex("red; } body { display: none")).toBeNull();
  });

  it.each([
    [
      [255, 255, 0],
      [17, 20, 28],
    ],
    [
      [10, 20, 120],
      [255, 255, 255],
    ],
  ] as const)("puts readable text on %o", (background, expected) => {
    expect(textOn(background)).toEqual(expected);
  });

  it.each([
    [
      [255, 255, 0],
      [255, 255, 255],
    ],
    [
      [0, 0, 40],
      [24, 27, 35],
    ],
    [
      [128, 128, 128],
      [255, 255, 255],
    ],
  ] as const)("makes %o readable on %o", (colour, surface) => {
    expect(contrast(readableOn(colour, surface), surface)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(["#0b0d20", "#fffbe6", "#1f4b99"])(
    "edges a button of %s, and keeps its fill",
    (primary) => {
      const styles = brandStyles({ primary, accent: primary });
      const [light, dark] = [...styles.matchAll(/--brand-edge: (#\w{6});/g)].map(
        ([, edge]) => edge,
      );
      expect(contrast(rgb(light), rgb("#ffffff"))).toBeGreaterThanOrEqual(3);
      expect(contrast(rgb(dark), rgb("#181b23"))).toBeGreaterThanOrEqual(3);
      expect(styles.match(/--brand: #\w{6};/g)).toEqual(Array(3).fill(`--brand: ${primary};`));
    },
  );

  it("never lets a brand write style rules", () => {
    const styles = brandStyles({ primary: "red; } * { display: none", accent: "url(//x)" });
    expect(styles).not.toContain("display");
    expect(styles).not.toContain("url");
  });
});
