// One typed client for the agent's API. Every failure becomes an ApiError that carries the
// sentence the agent wrote for people, so that screens only have to show it.
import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly documentId: string | null = null,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

/** The agent's sentence for people; "" when something else spoke, such as the browser itself. */
export function sentenceOf(error: unknown): string {
  return error instanceof ApiError ? error.message : "";
}

type Listener = (error: ApiError) => void;
let listener: Listener = () => undefined;

/** Hears every refusal, whichever part of the dashboard asked; one listener at a time. */
export function onRefusal(next: Listener): void {
  listener = next;
}

/** The error of a problem document; a body the agent did not write has no sentence for people. */
export function refusal(status: number, problem: Partial<Schemas["Problem"]>): ApiError {
  const { code = "unreachable", detail = "", document_id = null } = problem;
  const error = new ApiError(status, code, detail, document_id);
  listener(error);
  return error;
}

export async function failureOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Schemas["Problem"]>;
  return refusal(response.status, problem);
}

const throwProblems: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await failureOf(response);
  },
};

let language = "de";

/** The language in which the agent words its messages. */
export function setRequestLanguage(next: string): void {
  language = next;
}

export function requestHeaders(): Record<string, string> {
  return { "Accept-Language": language };
}

const addLanguage: Middleware = {
  onRequest({ request }) {
    request.headers.set("Accept-Language", language);
  },
};

export const api = createClient<paths>({
  baseUrl: location.origin,
  credentials: "same-origin",
  fetch: (request) => fetch(request),
});
api.use(addLanguage, throwProblems);

/** How long what a page begins with may take: a machine that just starts may never answer it. */
const START_MS = 8000;
export const inStartTime = (): AbortSignal => AbortSignal.timeout(START_MS);

/** The body of a call that cannot fail any more: failures were thrown by the client. */
export function body<T>(result: { data?: T }): T {
  if (result.data === undefined) throw new ApiError(0, "empty", "");
  return result.data;
}
