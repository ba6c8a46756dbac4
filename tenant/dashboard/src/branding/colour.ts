// Colours a customer chose must stay readable: text on them and they as text are computed.

export type Rgb = readonly [number, number, number];

/** Parses `#rgb` or `#rrggbb`; anything else gives null and the default brand is used. */
export function parseHex(text: string): Rgb | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text);
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  const parts = short?.slice(1).map((digit) => digit + digit) ?? long?.slice(1);
  if (parts === undefined) return null;
  const [r = 0, g = 0, b = 0] = parts.map((part) => parseInt(part, 16));
  return [r, g, b];
}

export function toHex(colour: Rgb): string {
  return `#${colour.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** Relative luminance after WCAG 2.2, 0 (black) to 1 (white). */
export function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio after WCAG 2.2, 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [17, 20, 28];

/** Black or white, whichever reads better on `background`. */
export function textOn(background: Rgb): Rgb {
  return contrast(background, WHITE) >= contrast(background, INK) ? WHITE : INK;
}

// More than the 4.5 of WCAG: the text also stands on its own colour at 14 % over the background.
const READABLE = 6;

/** What WCAG asks of the edge of a control (1.4.11). */
export const VISIBLE = 3;

/** Moves `colour` towards black or white until it stands out from `background`. */
export function readableOn(colour: Rgb, background: Rgb, minimum = READABLE): Rgb {
  const target = luminance(background) > 0.5 ? INK : WHITE;
  for (let step = 0; step <= 20; step += 1) {
    const mixed = colour.map((part, i) => part + ((target[i] ?? 0) - part) * (step / 20));
    const candidate: Rgb = [mixed[0] ?? 0, mixed[1] ?? 0, mixed[2] ?? 0];
    if (contrast(candidate, background) >= minimum) return candidate;
  }
  return target;
}
