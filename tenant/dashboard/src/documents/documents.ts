// Documents as a cached list that follows the jobs live.
import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { api, ApiError, body, type Schemas } from "../api/client";
import { streamEvents, type ServerEvent } from "../api/sse";

export type Document = Schemas["Document"];

export const DOCUMENTS = ["documents"] as const;
const RECONNECT_MS = 3000;

export function useDocuments() {
  return useQuery({
    queryKey: DOCUMENTS,
    queryFn: async () => {
      const all: Document[] = [];
      let cursor: string | null = null;
      do {
        const query: { limit: number; cursor?: string } = { limit: 100 };
        if (cursor !== null) query.cursor = cursor;
        const page = body(await api.GET("/api/v1/documents", { params: { query } }));
        all.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor !== null);
      return all;
    },
  });
}

/** Puts a document in place of its older state, or first when it is new. */
export function merge(documents: Document[], next: Document): Document[] {
  const known = documents.some(({ id }) => id === next.id);
  return known
    ? documents.map((document) => (document.id === next.id ? next : document))
    : [next, ...documents];
}

export function put(queries: QueryClient, next: Document): void {
  queries.setQueryData<Document[]>(DOCUMENTS, (known = []) => merge(known, next));
}

function receive(queries: QueryClient, event: ServerEvent): void {
  if (event.name === "document") put(queries, JSON.parse(event.data) as Document);
  if (event.name === "deleted") {
    const { id } = JSON.parse(event.data) as { id: string };
    queries.setQueryData<Document[]>(DOCUMENTS, (known = []) => known.filter((d) => d.id !== id));
  }
}

/** Follows all jobs while the page is open; a lost connection is taken up where it ended. */
export function useLiveDocuments(): void {
  const queries = useQueryClient();
  useEffect(() => {
    const abort = new AbortController();
    void followJobs(abort.signal, (event) => {
      receive(queries, event);
    });
    return () => {
      abort.abort();
    };
  }, [queries]);
}

async function followJobs(signal: AbortSignal, on: (event: ServerEvent) => void): Promise<void> {
  let lastEventId = "";
  while (!signal.aborted) {
    try {
      for await (const event of streamEvents({ url: "/api/v1/jobs/events", lastEventId, signal })) {
        lastEventId = event.id || lastEventId;
        on(event);
      }
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return;
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

export function useDeleteDocument() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) => {
      await api.DELETE("/api/v1/documents/{document_id}", {
        params: { path: { document_id: id } },
      });
      return id;
    },
    onSuccess: (id) => {
      queries.setQueryData<Document[]>(DOCUMENTS, (known = []) => known.filter((d) => d.id !== id));
    },
  });
}

export function useRetryDocument() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) =>
      body(
        await api.POST("/api/v1/documents/{document_id}/retry", {
          params: { path: { document_id: id } },
        }),
      ),
    onSuccess: (document) => {
      put(queries, document);
    },
  });
}
