// The agent as the browser meets it: rows in memory, answered over intercepted requests.
import type { Page, Request, Route } from "@playwright/test";

import {
  BRANDING,
  conversation,
  event,
  id,
  ME,
  message,
  PAGE,
  problem,
  question,
  type Schemas,
} from "./bodies";

type Handler = (route: Route, request: Request, parts: string[]) => Promise<void>;

const API = "/api/v1";

export class Agent {
  branding = { ...BRANDING };
  me: Schemas["Me"] | null = { ...ME };
  documents: Schemas["Document"][] = [];
  conversations: Schemas["Conversation"][] = [];
  messages = new Map<string, Schemas["Message"][]>();
  page: Schemas["Page"] = PAGE;
  /** Console errors a test expects: the browser reports every failed request as one. */
  readonly expected: RegExp[] = [];
  /** Every request, as "METHOD path", oldest first. */
  readonly seen: string[] = [];
  /** What a test answers itself, looked up by "METHOD path" before anything else. */
  readonly overrides = new Map<string, Handler>();

  async attach(page: Page): Promise<void> {
    await page.route(`**${API}/**`, (route, request) => this.answer(route, request));
  }

  private async answer(route: Route, request: Request): Promise<void> {
    const path = new URL(request.url()).pathname.slice(API.length);
    const key = `${request.method()} ${path}`;
    this.seen.push(key);
    const parts = path.split("/").filter(Boolean);
    const own = this.overrides.get(key);
    if (own) return own(route, request, parts);
    if (parts[0] === "branding") return json(route, 200, this.branding);
    if (parts[0] === "session") return this.session(route, request);
    if (this.me === null) {
      return json(route, 401, problem(401, "not_signed_in", "Bitte melden Sie sich an."));
    }
    const handlers: Record<string, Handler> = {
      documents: this.document,
      conversations: this.conversation,
      // Nothing happens: the stream stays open until the page goes.
      jobs: () => Promise.resolve(),
    };
    return handlers[parts[0] ?? ""]?.(route, request, parts) ?? route.abort();
  }

  private session(route: Route, request: Request): Promise<void> {
    if (request.method() === "DELETE") {
      this.me = null;
      return route.fulfill({ status: 204 });
    }
    if (request.method() === "POST") this.me = { ...ME };
    if (this.me) return json(route, 200, this.me);
    return json(route, 401, problem(401, "not_signed_in", "Bitte melden Sie sich an."));
  }

  private document: Handler = (route, request, [, documentId, what]) => {
    if (what === "pages") return json(route, 200, this.page);
    if (request.method() === "DELETE") {
      this.documents = this.documents.filter((each) => each.id !== documentId);
      return route.fulfill({ status: 204 });
    }
    const url = new URL(request.url());
    const limit = Number(url.searchParams.get("limit") ?? 50);
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const end = start + limit;
    const body: Schemas["DocumentList"] = {
      items: this.documents.slice(start, end),
      next_cursor: end < this.documents.length ? String(end) : null,
    };
    return json(route, 200, body);
  };

  private conversation: Handler = (route, request, [, conversationId, what]) => {
    if (conversationId === undefined) return this.conversationList(route, request);
    const messages = this.messages.get(conversationId);
    if (messages === undefined) {
      return json(route, 404, problem(404, "not_found", "Das gibt es nicht (mehr)."));
    }
    if (what !== "messages") return route.fulfill({ status: 204 });
    if (request.method() === "GET") return json(route, 200, { items: messages });
    const { question: asked } = request.postDataJSON() as Schemas["Ask"];
    const body = this.write(conversationId, asked);
    return stream(route, body);
  };

  private conversationList(route: Route, request: Request): Promise<void> {
    if (request.method() === "GET") {
      const body: Schemas["ConversationList"] = { items: this.conversations, next_cursor: null };
      return json(route, 200, body);
    }
    const opened = conversation(500 + this.conversations.length, "");
    this.conversations = [opened, ...this.conversations];
    this.messages.set(opened.id, []);
    return json(route, 201, opened);
  }

  /** Stores question and answer and gives the events of the answer. */
  write(conversationId: string, asked: string, answer: Partial<Schemas["Message"]> = {}): string {
    const known = this.messages.get(conversationId) ?? [];
    const number = 1000 + known.length;
    const stored = message(number + 1, conversationId, answer);
    const rows = [...known, question(number, conversationId, asked), stored];
    this.messages.set(conversationId, rows);
    this.conversations = this.conversations.map((each) =>
      each.id === conversationId && each.title === "" ? { ...each, title: asked } : each,
    );
    return opening(stored) + event(9, "done", { message: stored });
  }
}

/** The events before the end: status, sources and all but the last word of the answer. */
export function opening(stored: Schemas["Message"]): string {
  const ids = {
    message_id: stored.id,
    question_id: id(1),
    conversation_id: stored.conversation_id,
  };
  return [
    event(1, "status", { stage: "searching", ...ids }),
    event(2, "sources", { sources: [] }),
    event(3, "status", { stage: "asking", ...ids }),
    event(4, "token", { text: "Belege reichen " }),
    event(5, "token", { text: "Sie " }),
  ].join("");
}

export function json(route: Route, status: number, body: unknown): Promise<void> {
  return route.fulfill({ status, contentType: "application/json", body: JSON.stringify(body) });
}

export function stream(route: Route, body: string): Promise<void> {
  return route.fulfill({ status: 200, contentType: "text/event-stream", body });
}
