import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { Button, IconButton } from "../ui/button";
import { Loading, Notice } from "../ui/notice";
import { place } from "./place";
import type { Citation, Failure, LiveAnswer, Message } from "./stream";
import type { Asking } from "./use-answer";

// The Markdown reader is a third of all code and not needed before the first answer.
export const loadReader = () => import("./answer-text");
const AnswerText = lazy(loadReader);

type OnCite = (citation: Citation) => void;

export function QuestionCard({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <article className="question" aria-label={t("chat.you")}>
      {text}
    </article>
  );
}

interface AnswerProps {
  message: Message;
  onCite: OnCite;
  onRetry: () => void;
}

export function AnswerCard({ message, onCite, onRetry }: AnswerProps) {
  const { t } = useTranslation();
  if (message.state === "failed") {
    return <Failed failure={message.failure} onRetry={onRetry} />;
  }
  if (message.state === "streaming") return <Loading label={t("chat.answering")} />;
  return (
    <article className="answer" aria-label={t("app.assistant")}>
      {message.outcome === "not_found" ? (
        <NotFound />
      ) : (
        <>
          <Text text={message.content} citations={message.citations} onCite={onCite} />
          {message.removed_sentences > 0 && (
            <p className="hint">{t("chat.removed", { count: message.removed_sentences })}</p>
          )}
          <Sources citations={message.citations} onCite={onCite} />
          <Copy text={message.content} />
        </>
      )}
    </article>
  );
}

interface LiveProps {
  asking: Asking;
  onCite: OnCite;
  onRetry: () => void;
}

export function LiveAnswerCard({ asking, onCite, onRetry }: LiveProps) {
  const { answer, question } = asking;
  return (
    <>
      <QuestionCard text={question} />
      <div aria-live="polite" aria-busy={answer.phase !== "done" && answer.phase !== "failed"}>
        {answer.message ? (
          <AnswerCard message={answer.message} onCite={onCite} onRetry={onRetry} />
        ) : (
          <Growing answer={answer} onCite={onCite} onRetry={onRetry} />
        )}
      </div>
    </>
  );
}

function Growing({ answer, onCite, onRetry }: Omit<LiveProps, "asking"> & { answer: LiveAnswer }) {
  const { t } = useTranslation();
  if (answer.phase === "failed") return <Failed failure={answer.failure} onRetry={onRetry} />;
  return (
    <article className="answer" aria-label={t("app.assistant")}>
      {answer.text === "" ? (
        <Loading label={stage(t, answer)} />
      ) : (
        <Text text={answer.text} citations={answer.citations} onCite={onCite} />
      )}
    </article>
  );
}

type TextProps = Pick<Message, "citations"> & { text: string; onCite: OnCite };

function Text(props: TextProps) {
  const plain = <p className="raw-text">{props.text}</p>;
  return (
    <Suspense fallback={plain}>
      <AnswerText {...props} />
    </Suspense>
  );
}

function stage(t: ReturnType<typeof useTranslation>["t"], answer: LiveAnswer): string {
  if (answer.phase === "asking") return t("chat.asking", { count: answer.sourceCount });
  return t(answer.phase === "answering" ? "chat.answering" : "chat.searching");
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="not-found">
      <strong>{t("chat.notFound")}</strong>
      <p>{t("chat.notFoundText")}</p>
    </div>
  );
}

function Failed({ failure, onRetry }: { failure: Failure | null; onRetry: () => void }) {
  const { t } = useTranslation();
  if (failure?.code === "stopped") return <Paused onShow={onRetry} />;
  const retry = failure?.retryable !== false && (
    <Button icon="retry" onClick={onRetry}>
      {t("chat.tryAgain")}
    </Button>
  );
  return (
    <Notice actions={retry}>
      <strong>{t("chat.failed")}</strong> {failure?.message}
    </Notice>
  );
}

/** The reader looked away; the agent has no reason to stop, and says so. */
function Paused({ onShow }: { onShow: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="not-found paused" role="status">
      <p>
        <strong>{t("chat.paused")}</strong> {t("chat.pausedText")}
      </p>
      <Button onClick={onShow}>{t("chat.showAnswer")}</Button>
    </div>
  );
}

function Sources({ citations, onCite }: { citations: Citation[]; onCite: OnCite }) {
  const { t } = useTranslation();
  if (citations.length === 0) return null;
  return (
    <ol className="sources" aria-label={t("chat.sources")}>
      {citations.map((citation) => (
        <li key={citation.n}>
          <button
            type="button"
            className="source-link"
            data-passage={citation.passage_id}
            onClick={() => {
              onCite(citation);
            }}
          >
            <span className="chip" aria-hidden="true">
              {citation.n}
            </span>
            <span className="source-name">{citation.document_name}</span>
            <span className="source-place">
              {citation.available ? place(t, citation) : t("chat.deletedSource")}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function Copy({ text }: { text: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => {
      setCopied(false);
    }, 2000);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  // Browsers offer the clipboard to secure pages only.
  if (!("clipboard" in navigator)) return null;
  return (
    <IconButton
      className="copy"
      icon={copied ? "check" : "copy"}
      label={t(copied ? "chat.copied" : "chat.copy")}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true);
        });
      }}
    />
  );
}
