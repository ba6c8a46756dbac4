import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";

import { FirstPassword } from "./auth/first-password";
import { SESSION, useSession } from "./auth/session";
import { SignIn } from "./auth/sign-in";
import { useBranding, type Branding } from "./branding/branding";
import { ChatPage } from "./chat/chat-page";
import { UploadsProvider } from "./documents/uploads-context";
import { NotFound } from "./layout/not-found";
import { Button } from "./ui/button";
import { Shell } from "./layout/shell";
import { Loading, Notice } from "./ui/notice";

const DocumentsPage = lazy(() => import("./documents/documents-page"));

export function App({ firstBranding }: { firstBranding: Branding | null }) {
  const { t } = useTranslation();
  const branding = useBranding(firstBranding);
  const session = useSession();
  if (session.data === undefined) {
    return session.failureReason ? <Unreachable /> : <Loading label={t("app.loading")} />;
  }
  if (session.data.me === null) {
    return <SignIn branding={branding} expired={session.data.expired} />;
  }
  if (session.data.me.must_change_password) return <FirstPassword branding={branding} />;
  return (
    <UploadsProvider limit={session.data.me.upload_limit}>
      <Shell branding={branding} me={session.data.me}>
        <Suspense fallback={<Loading label={t("app.loading")} />}>
          <Routes>
            <Route index element={<Navigate to="/chat" replace />} />
            <Route
              path="chat/:conversationId?"
              element={<ChatPage me={session.data.me} branding={branding} />}
            />
            <Route path="documents" element={<DocumentsPage me={session.data.me} />} />
            <Route path="*" element={<NotFound title={t("app.notFound")} />} />
          </Routes>
        </Suspense>
      </Shell>
    </UploadsProvider>
  );
}

/** The session is asked for until there is an answer; the button does it now. */
function Unreachable() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  return (
    <main className="door">
      <div className="card door-card">
        <Notice>{t("app.unreachable")}</Notice>
        <Loading label={t("app.retrying")} />
        <Button
          look="primary"
          icon="retry"
          onClick={() => void queries.resetQueries({ queryKey: SESSION })}
        >
          {t("app.retry")}
        </Button>
      </div>
    </main>
  );
}
