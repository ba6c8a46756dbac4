// The question being typed, kept in this tab: a session that ends, or a page loaded again, must not
// cost it. Bound to the account, and gone when that signs out.
const KEY = "draft";

interface Draft {
  account: string;
  text: string;
  /** On its way to the agent: no longer being typed, and not yet known to have arrived. */
  sent?: boolean;
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

/** Whether the draft was sent before the page was loaded: it may be among the stored questions. */
export function draftWasSent(account: string): boolean {
  const draft = read();
  return draft?.account === account && draft.sent === true;
}

export function keepDraft(account: string, text: string, sent = false): void {
  if (text === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify({ account, text, sent } satisfies Draft));
}

/** Without questions every draft is forgotten, with some only one that was sent as one of them. */
export function forgetDraft(taken?: string[]): void {
  const draft = read();
  const arrived = draft?.sent === true && taken?.includes(draft.text.trim());
  if (taken === undefined || arrived) sessionStorage.removeItem(KEY);
}
