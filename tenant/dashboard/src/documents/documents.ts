// Documents as a cached list that follows the jobs live.
import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { api, ApiError, body, type Schemas } from "../api/client";
import { everyPage } from "../api/pages";
import { streamEvents, type ServerEvent } from "../api/sse";

export type Document = Schemas["Document"];

export const DOCUMENTS = ["documents"] as const;
const RECONNECT_MS = 3000;

export function useDocuments() {
  const queries = useQueryClient();
  return useQuery({
    queryKey: DOCUMENTS,
    refetchOnWindowFocus: "always",
    queryFn: async () => {
      const read = await everyPage(async (query) =>
        body(await api.GET("/api/v1/documents", { params: { query } })),
      );
      // Events may have overtaken the list while it was on its way.
      const known = queries.getQueryData<Document[]>(DOCUMENTS) ?? [];
      return read.map((document) =>
        newer(
          known.find(({ id }) => id === document.id),
          document,
        ),
      );
    },
  });
}

/** Whether there is any document to answer from. */
export function useAnyDocument() {
  return useQuery({
    queryKey: ["any-document"],
    queryFn: async () =>
      body(await api.GET("/api/v1/documents", { params: { query: { limit: 1 } } })).items.length >
      0,
  });
}

function newer(one: Document | undefined, other: Document): Document {
  return one && one.job.updated_at > other.job.updated_at ? one : other;
}

/** Puts a document in place of its older state, or first when it is new. */
export function merge(documents: Document[], next: Document): Document[] {
  const known = documents.some(({ id }) => id === next.id);
  return known
    ? documents.map((document) => (document.id === next.id ? newer(document, next) : document))
    : [next, ...documents];
}

export function put(queries: QueryClient, next: Document): void {
  queries.setQueryData<Document[]>(DOCUMENTS, (known) => known && merge(known, next));
}

/** Follows all jobs while the page is open; gives the document that changed last. */
export function useLiveDocuments(language: string): Document | null {
  const queries = useQueryClient();
  const [last, setLast] = useState<Document | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    void followJobs(abort.signal, (event) => {
      if (event.name !== "document") return;
      const document = JSON.parse(event.data) as Document;
      put(queries, document);
      setLast(document);
    });
    return () => {
      abort.abort();
    };
  }, [queries, language]);
  return last;
}

/** A lost connection is taken up where it ended. */
async function followJobs(signal: AbortSignal, on: (event: ServerEvent) => void): Promise<void> {
  let lastEventId = "";
  while (!signal.aborted) {
    try {
      for await (const event of streamEvents({ url: "/api/v1/jobs/events", lastEventId, signal })) {
        lastEventId = event.id || lastEventId;
        on(event);
      }
    } catch (error) {
      if (error instanceof ApiError && [401, 403].includes(error.status)) return;
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
