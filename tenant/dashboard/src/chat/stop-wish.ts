// The question whose answer is to be stopped, kept in this tab until the agent has been told: a page
// loaded again in the meantime must not cost the wish.
const KEY = "stop";

export const stopWish = (): string | null => sessionStorage.getItem(KEY);

export function keepStop(question: string): void {
  sessionStorage.setItem(KEY, question);
}

export function forgetStop(): void {
  sessionStorage.removeItem(KEY);
}
