// Who is signed in. A session that ended, noticed anywhere, brings the sign-in screen back.
import { QueryClient, useQuery } from "@tanstack/react-query";

import { api, ApiError, body, inStartTime, onRefusal, type Schemas } from "../api/client";
import { BRANDING } from "../branding/branding";

export type Me = Schemas["Me"];
export type Session = { me: Me } | { me: null; expired: boolean };

export const SESSION = ["session"] as const;
const LONGEST_PAUSE_MS = 4000;

export function createQueries(): QueryClient {
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        refetchOnWindowFocus: false,
        retry: (count, error) => !(error instanceof ApiError && error.status < 500) && count < 2,
      },
    },
  });
  onRefusal((error) => {
    const known = queries.getQueryData<Session>(SESSION);
    if (!known?.me) return;
    if (error.code === "not_signed_in") setSession(queries, { me: null, expired: true });
    if (error.code === "password_change_required") {
      void queries.invalidateQueries({ queryKey: SESSION });
    }
  });
  return queries;
}

/** Another account, or none: what the one before has loaded is forgotten. */
export function setSession(queries: QueryClient, session: Session): void {
  const keep: unknown[] = [SESSION[0], BRANDING[0]];
  queries.setQueryData<Session>(SESSION, session);
  queries.removeQueries({ predicate: ({ queryKey }) => !keep.includes(queryKey[0]) });
}

async function fetchSession(): Promise<Session> {
  try {
    return { me: body(await api.GET("/api/v1/session", { signal: inStartTime() })) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return { me: null, expired: false };
    throw error;
  }
}

export function useSession() {
  return useQuery({
    queryKey: SESSION,
    queryFn: fetchSession,
    staleTime: Infinity,
    // Without an answer there is no page: while the machine starts, it comes by waiting.
    retry: true,
    retryDelay: (failures) => Math.min(500 * 2 ** failures, LONGEST_PAUSE_MS),
  });
}
