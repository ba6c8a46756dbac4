// Who is signed in. A 401 from anywhere forgets the account, and the sign-in screen appears.
import { QueryCache, QueryClient, useQuery } from "@tanstack/react-query";

import { api, ApiError, body, type Schemas } from "../api/client";

export type Me = Schemas["Me"];

export const ME = ["me"] as const;

export function createQueries(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const expired = error instanceof ApiError && error.status === 401;
        if (expired && query.queryKey[0] !== ME[0]) client.setQueryData(ME, null);
      },
    }),
    defaultOptions: {
      queries: {
        refetchOnWindowFocus: false,
        retry: (count, error) => !(error instanceof ApiError && error.status < 500) && count < 2,
      },
    },
  });
  return client;
}

/** Somebody came or went: what was loaded for the one before is forgotten, whoever is shown it. */
export function changeAccount(queries: QueryClient, me: Me | null): void {
  queries.setQueryData(ME, me);
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== ME[0] });
}

async function fetchMe(): Promise<Me | null> {
  try {
    return body(await api.GET("/api/v1/session"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export function useMe() {
  return useQuery({ queryKey: ME, queryFn: fetchMe, staleTime: Infinity });
}
