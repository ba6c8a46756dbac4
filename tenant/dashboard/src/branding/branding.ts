// The tenant's name, logo and colours. Colours become custom properties in a constructed style
// sheet, which a strict content security policy allows and style attributes in markup it does not.
import type { Schemas } from "../api/client";
import { api, body } from "../api/client";
import { parseHex, readableOn, textOn, toHex, type Rgb } from "./colour";

export type Branding = Schemas["Branding"];

const DEFAULT: Rgb = [63, 81, 217];
const LIGHT_SURFACE: Rgb = [255, 255, 255];
const DARK_SURFACE: Rgb = [24, 27, 35];

export async function fetchBranding(): Promise<Branding> {
  return body(await api.GET("/api/v1/branding"));
}

function properties(colour: Rgb, accent: Rgb, surface: Rgb): string {
  return [
    `--brand: ${toHex(colour)};`,
    `--on-brand: ${toHex(textOn(colour))};`,
    `--brand-text: ${toHex(readableOn(colour, surface))};`,
    `--accent: ${toHex(readableOn(accent, surface))};`,
  ].join(" ");
}

/** The style sheet text of a brand; exported for tests. */
export function brandStyles(branding: Pick<Branding, "primary" | "accent">): string {
  const primary = parseHex(branding.primary) ?? DEFAULT;
  const accent = parseHex(branding.accent) ?? primary;
  const light = properties(primary, accent, LIGHT_SURFACE);
  const dark = properties(primary, accent, DARK_SURFACE);
  return `
    :root { ${light} }
    :root[data-theme="dark"] { ${dark} }
    @media (prefers-color-scheme: dark) { :root:not([data-theme]) { ${dark} } }
  `;
}

const sheet = "CSSStyleSheet" in globalThis ? new CSSStyleSheet() : null;

export function applyBranding(branding: Branding): void {
  document.title = branding.name;
  if (branding.logo !== "") {
    document.querySelector<HTMLLinkElement>("link[rel=icon]")?.setAttribute("href", branding.logo);
  }
  if (sheet === null) return;
  sheet.replaceSync(brandStyles(branding));
  document.adoptedStyleSheets = [
    ...document.adoptedStyleSheets.filter((known) => known !== sheet),
    sheet,
  ];
}
