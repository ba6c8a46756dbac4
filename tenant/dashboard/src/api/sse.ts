// Server-sent events over fetch: unlike EventSource this can POST, and unlike it a failed
// response can be read.
import { failureOf, requestHeaders } from "./client";

export interface ServerEvent {
  id: string;
  name: string;
  data: string;
}

/** Splits a growing text into complete events; what is incomplete stays in `rest`. */
export function parseEvents(text: string): { events: ServerEvent[]; rest: string } {
  const blocks = text.replaceAll("\r\n", "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = blocks.map(parseBlock).filter((event) => event.data !== "");
  return { events, rest };
}

function parseBlock(block: string): ServerEvent {
  const event: ServerEvent = { id: "", name: "message", data: "" };
  for (const line of block.split("\n")) {
    const [field, value] = splitField(line);
    if (field === "id") event.id = value;
    if (field === "event") event.name = value;
    if (field === "data") event.data += (event.data && "\n") + value;
  }
  return event;
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}

export interface StreamRequest {
  url: string;
  method?: "GET" | "POST";
  body?: unknown;
  lastEventId?: string;
  signal: AbortSignal;
}

// The agent sends a comment every 15 s: silence this long means a connection that died unnoticed.
const SILENCE_MS = 45_000;

async function withinSilence(reader: ReadableStreamDefaultReader<string>) {
  const timer = setTimeout(() => void reader.cancel(), SILENCE_MS);
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

/** Yields the events of one response; throws ApiError when the agent refuses. */
export async function* streamEvents(request: StreamRequest): AsyncGenerator<ServerEvent> {
  const headers: Record<string, string> = { ...requestHeaders(), Accept: "text/event-stream" };
  if (request.lastEventId) headers["Last-Event-ID"] = request.lastEventId;
  if (request.body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(request.url, {
    method: request.method ?? "GET",
    headers,
    credentials: "same-origin",
    signal: request.signal,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  if (!response.ok || response.body === null) throw await failureOf(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await withinSilence(reader);
    if (done) return;
    const parsed = parseEvents(rest + value);
    rest = parsed.rest;
    yield* parsed.events;
  }
}
