// Bodies as the agent sends them, typed by its API description.
import type { Schemas } from "../src/api/client";

export type { Schemas };

const MOMENT = "2026-11-20T09:30:00Z";

/** A stable UUID of a number, so that addresses in tests can be read. */
export const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

export const BRANDING: Schemas["Branding"] = {
  name: "Acme",
  logo: "",
  primary: "#1f4b99",
  accent: "#0f766e",
  languages: ["de", "en"],
  default_language: "de",
};

export const ME: Schemas["Me"] = {
  id: id(1),
  email: "admin@acme.example",
  role: "administrator",
  must_change_password: false,
  expires_at: "2026-12-20T09:30:00Z",
  upload_limit: 200 * 2 ** 20,
};

export function job(documentId: string, change: Partial<Schemas["Job"]> = {}): Schemas["Job"] {
  return {
    id: documentId,
    document_id: documentId,
    state: "done",
    stage: "finished",
    progress: 1,
    attempt: 1,
    failure: null,
    next_attempt_at: null,
    created_at: MOMENT,
    updated_at: MOMENT,
    ...change,
  };
}

export function document(
  number: number,
  change: Partial<Schemas["Document"]> = {},
): Schemas["Document"] {
  return {
    id: id(number),
    name: `Handbuch ${number}.pdf`,
    kind: "pdf",
    media_type: "application/pdf",
    size: 35_262,
    language: "de",
    page_count: 3,
    paged: true,
    state: "ready",
    job: job(id(number)),
    created_at: MOMENT,
    ...change,
  };
}

export function conversation(number: number, title: string): Schemas["Conversation"] {
  return { id: id(number), title, created_at: MOMENT, updated_at: MOMENT };
}

export const CITATION: Schemas["Citation"] = {
  n: 1,
  document_id: id(10),
  document_name: "Handbuch 10.pdf",
  page: 2,
  paged: true,
  heading: "Reisekosten",
  passage_id: 7,
  quote: "Belege sind innerhalb von 14 Tagen einzureichen.",
  quotes: ["Belege sind innerhalb von 14 Tagen einzureichen."],
  available: true,
};

export const PAGE: Schemas["Page"] = {
  document_id: id(10),
  document_name: "Handbuch 10.pdf",
  number: 2,
  page_count: 3,
  paged: true,
  text: "Reisekosten\n\nBelege sind innerhalb von 14 Tagen einzureichen. Danach verfällt der Anspruch.",
  highlights: [{ start: 13, end: 91 }],
};

export function message(
  number: number,
  conversationId: string,
  change: Partial<Schemas["Message"]> = {},
): Schemas["Message"] {
  return {
    id: id(number),
    conversation_id: conversationId,
    role: "assistant",
    content: "Belege reichen Sie **innerhalb von 14 Tagen** ein [1].",
    language: "de",
    state: "complete",
    outcome: "answered",
    citations: [CITATION],
    removed_sentences: 0,
    failure: null,
    created_at: MOMENT,
    ...change,
  };
}

export function question(
  number: number,
  conversationId: string,
  content: string,
): Schemas["Message"] {
  return message(number, conversationId, {
    role: "user",
    content,
    outcome: null,
    citations: [],
  });
}

export function problem(status: number, code: string, detail: string): Schemas["Problem"] {
  const type = `/problems/${code}`;
  return { type, title: "Problem", status, detail, code, retry_after: null, document_id: null };
}

interface Events {
  status: Schemas["StatusEvent"];
  sources: Schemas["SourcesEvent"];
  token: Schemas["TokenEvent"];
  citation: Schemas["CitationEvent"];
  done: Schemas["DoneEvent"];
  stopped: Schemas["StoppedEvent"];
  error: Schemas["ErrorEvent"];
  document: Schemas["Document"];
}

export function event<Name extends keyof Events>(
  place: number,
  name: Name,
  data: Events[Name],
): string {
  return `id: ${place}-0\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
