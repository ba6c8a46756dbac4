import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import { api } from "../api/client";
import { setSession } from "../auth/session";
import { forgetDraft } from "../chat/draft";
import { forgetStop } from "../chat/stop-wish";

/** Signed out only when the agent says so: until then the cookie still opens the door. */
export function useSignOut() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => api.DELETE("/api/v1/session"),
    onSuccess: () => {
      forgetDraft();
      forgetStop();
      setSession(queries, { me: null, expired: false });
      void navigate("/");
    },
  });
}
