// Conversations and messages as cached queries.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body, type Schemas } from "../api/client";
import { everyPage } from "../api/pages";

export type Conversation = Schemas["Conversation"];

export const CONVERSATIONS = ["conversations"] as const;
const POLL_MS = 3000;
const writing = ({ state }: Schemas["Message"]) => state === "streaming";

export const messagesKey = (id: string) => ["messages", id] as const;

export function useConversations() {
  return useQuery({
    queryKey: CONVERSATIONS,
    queryFn: () =>
      everyPage(async (query) =>
        body(await api.GET("/api/v1/conversations", { params: { query } })),
      ),
  });
}

export function useMessages(id: string | undefined) {
  return useQuery({
    queryKey: messagesKey(id ?? ""),
    enabled: id !== undefined,
    // An answer that is being written for another window arrives without this one asking.
    refetchInterval: ({ state }) => (state.data?.some(writing) ? POLL_MS : false),
    queryFn: async () => {
      const params = { path: { conversation_id: id ?? "" } };
      return body(await api.GET("/api/v1/conversations/{conversation_id}/messages", { params }))
        .items;
    },
  });
}

export function useRename() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, title }: { id: string; title: string }) =>
      api.PATCH("/api/v1/conversations/{conversation_id}", {
        params: { path: { conversation_id: id } },
        body: { title },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: CONVERSATIONS }),
  });
}

export function useDelete() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      api.DELETE("/api/v1/conversations/{conversation_id}", {
        params: { path: { conversation_id: id } },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: CONVERSATIONS }),
  });
}

export async function createConversation(): Promise<Conversation> {
  return body(await api.POST("/api/v1/conversations", { body: {} }));
}
