// @vitest-environment jsdom
import { describe, expect, it } from "vitest";

import { parseEvents } from "./sse";

describe("parseEvents", () => {
  it("keeps an unfinished event for later", () => {
    const first = parseEvents('id: 1\nevent: token\ndata: {"text":"a"}\n\nid: 2\neve');
    expect(first.events).toEqual([{ id: "1", name: "token", data: '{"text":"a"}' }]);
    const second = parseEvents(`${first.rest}nt: token\ndata: b\n\n`);
    expect(second.events).toEqual([{ id: "2", name: "token", data: "b" }]);
    expect(second.rest).toBe("");
  });

  it("skips comments that keep a connection open", () => {
    expect(parseEvents(": ping\n\n").events).toEqual([]);
  });

  it("joins several data lines and accepts carriage returns", () => {
    expect(parseEvents("data: a\r\ndata: b\r\n\r\n").events[0]?.data).toBe("a\nb");
  });
});
