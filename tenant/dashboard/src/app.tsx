import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, Route, Routes } from "react-router";

import { FirstPassword } from "./auth/first-password";
import { useMe } from "./auth/session";
import { SignIn } from "./auth/sign-in";
import type { Branding } from "./branding/branding";
import { ChatPage } from "./chat/chat-page";
import { Shell } from "./layout/shell";
import { Button } from "./ui/button";
import { Loading, Notice } from "./ui/notice";

const DocumentsPage = lazy(() => import("./documents/documents-page"));

export function App({ branding }: { branding: Branding }) {
  const { t } = useTranslation();
  const me = useMe();
  if (me.isPending) return <Loading label={t("app.loading")} />;
  if (me.isError) return <Unreachable onRetry={() => void me.refetch()} />;
  if (me.data === null) return <SignIn branding={branding} />;
  if (me.data.must_change_password) return <FirstPassword branding={branding} />;
  return (
    <Shell branding={branding} me={me.data}>
      <Suspense fallback={<Loading label={t("app.loading")} />}>
        <Routes>
          <Route index element={<Navigate to="/chat" replace />} />
          <Route path="chat/:conversationId?" element={<ChatPage />} />
          <Route path="documents" element={<DocumentsPage />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="empty">
      <h1>{t("app.notFound")}</h1>
      <Link className="button primary" to="/chat">
        {t("app.home")}
      </Link>
    </div>
  );
}

function Unreachable({ onRetry }: { onRetry: () => void }) {
  const { t } = useTranslation();
  return (
    <main className="door">
      <div className="card door-card">
        <Notice>{t("app.unreachable")}</Notice>
        <Button look="primary" icon="retry" onClick={onRetry}>
          {t("app.retry")}
        </Button>
      </div>
    </main>
  );
}
