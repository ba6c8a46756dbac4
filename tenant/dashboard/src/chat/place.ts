import type { TFunction } from "i18next";

/** "Page 3" of a paged document, "Section 3" of any other. */
export function place(t: TFunction, where: { page: number; paged: boolean }): string {
  return t(where.paged ? "source.page" : "source.section", { page: where.page });
}
