// The tenant's name, logo and colours. Colours become custom properties in a constructed style
// sheet, which a strict content security policy allows and style attributes in markup it does not.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import type { Schemas } from "../api/client";
import { api, body, inStartTime } from "../api/client";
import { parseHex, readableOn, textOn, toHex, VISIBLE, type Rgb } from "./colour";

export type Branding = Schemas["Branding"];

export const BRANDING = ["branding"] as const;
const LOOK_AGAIN_MS = 30_000;
const OWN_ICON = "/icon.svg";

const DEFAULT: Rgb = [63, 81, 217];
const LIGHT_SURFACE: Rgb = [255, 255, 255];
const DARK_SURFACE: Rgb = [24, 27, 35];

export const UNBRANDED: Branding = {
  name: "Assistant",
  logo: "",
  primary: "",
  accent: "",
  languages: ["de", "en"],
  default_language: "de",
};

export async function fetchBranding(): Promise<Branding> {
  return body(await api.GET("/api/v1/branding", { signal: inStartTime() }));
}

function properties(colour: Rgb, accent: Rgb, surface: Rgb): string {
  return [
    `--brand: ${toHex(colour)};`,
    `--brand-edge: ${toHex(readableOn(colour, surface, VISIBLE))};`,
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
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  icon?.setAttribute("href", branding.logo || OWN_ICON);
  if (sheet === null) return;
  sheet.replaceSync(brandStyles(branding));
  document.adoptedStyleSheets = [
    ...document.adoptedStyleSheets.filter((known) => known !== sheet),
    sheet,
  ];
}

/**
 * The brand as it is now: read again while the page is looked at, so that a change shows, and at
 * once when the page had to begin without.
 */
export function useBranding(first: Branding | null): Branding {
  const { data } = useQuery({
    queryKey: BRANDING,
    queryFn: fetchBranding,
    initialData: first ?? UNBRANDED,
    ...(first === null && { initialDataUpdatedAt: 0 }),
    staleTime: LOOK_AGAIN_MS,
    refetchInterval: LOOK_AGAIN_MS,
    refetchOnWindowFocus: "always",
  });
  useEffect(() => {
    applyBranding(data);
  }, [data]);
  return data;
}
