// The question being typed, kept in this tab: a session that ends, or a page loaded again, must not
// cost it. Bound to the account, and gone when that signs out.
const KEY = "draft";

interface Draft {
  account: string;
  text: string;
}

function read(): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Draft | null;
  } catch {
    return null;
  }
}

export function draftOf(account: string): string {
  const draft = read();
  return draft?.account === account ? draft.text : "";
}

export function keepDraft(account: string, text: string): void {
  if (text === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify({ account, text } satisfies Draft));
}

/** Without a text every draft is forgotten, with one only that. */
export function forgetDraft(text?: string): void {
  if (text === undefined || read()?.text.trim() === text) sessionStorage.removeItem(KEY);
}
