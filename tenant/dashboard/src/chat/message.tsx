import { lazy, memo, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { Button, IconButton } from "../ui/button";
import { Loading, Notice } from "../ui/notice";
import { place } from "./place";
import { finished, type Citation, type Failure, type LiveAnswer, type Message } from "./stream";

// The Markdown reader is a third of all code and not needed before the first answer.
export const loadReader = () => import("./answer-text");
const AnswerText = lazy(loadReader);

const NONE: Citation[] = [];

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
  message: Message | null;
  /** While it is on its way: what has come of it. */
  live: LiveAnswer | null;
  onCite: OnCite;
  onRetry: (message: Message) => void;
  /** Only the live one is given it: it changes with every word. */
  onRetryLive: (() => void) | undefined;
}

/** One element from the first word to the stored answer, so that nothing is drawn anew. */
export const AnswerCard = memo(function AnswerCard(props: AnswerProps) {
  const { live, onCite } = props;
  const { t } = useTranslation();
  const message = live ? live.message : props.message;
  const { text, citations } = shownOf(live, message);
  const failure = live ? live.failure : (message?.failure ?? null);
  const retry = () => {
    if (live) props.onRetryLive?.();
    else if (props.message) props.onRetry(props.message);
  };
  const writing = live !== null && !finished(live);
  return (
    <article
      className="answer"
      aria-label={t("app.assistant")}
      aria-live={live ? "polite" : undefined}
      aria-busy={writing}
    >
      {writing && text === "" && <Loading label={stage(t, live)} />}
      {!live && message?.state === "streaming" && <Loading label={t("chat.answering")} />}
      {message?.outcome === "not_found" && <NotFound />}
      {text !== "" && <Text text={text} citations={citations} onCite={onCite} />}
      {writing && text !== "" && <Cursor />}
      {message && message.removed_sentences > 0 && text !== "" && (
        <p className="hint">{t("chat.removed", { count: message.removed_sentences })}</p>
      )}
      {message && text !== "" && (
        <div className="answer-foot">
          <Sources citations={citations} onCite={onCite} />
          <Copy text={text} />
        </div>
      )}
      {message?.state === "stopped" && <Stopped empty={text === ""} onRetry={retry} />}
      {failure && <Failed failure={failure} onRetry={retry} />}
    </article>
  );
});

function shownOf(live: LiveAnswer | null, message: Message | null) {
  if (message === null) {
    const failed = live?.phase === "failed";
    return { text: failed ? "" : (live?.text ?? ""), citations: live?.citations ?? NONE };
  }
  const isText = message.outcome === "answered" || message.state === "stopped";
  return { text: isText ? message.content : "", citations: isText ? message.citations : NONE };
}

/** More is to come, said to the eye only: the stage was read out before. */
function Cursor() {
  return <span className="cursor" aria-hidden="true" />;
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

function Failed({ failure, onRetry }: { failure: Failure; onRetry: () => void }) {
  const { t } = useTranslation();
  const retry = failure.retryable && (
    <Button icon="retry" onClick={onRetry}>
      {t("chat.tryAgain")}
    </Button>
  );
  return (
    <Notice actions={retry}>
      <strong>{t("chat.failed")}</strong> {failure.message}
    </Notice>
  );
}

/** What stands above it is true and not the whole answer. */
function Stopped({ empty, onRetry }: { empty: boolean; onRetry: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="stopped">
      <p>
        <strong>{t("chat.stopped")}</strong> {t(empty ? "chat.stoppedEmpty" : "chat.stoppedText")}
      </p>
      <Button icon="retry" onClick={onRetry}>
        {t("chat.tryAgain")}
      </Button>
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
            onClick={() => {
              onCite(citation);
            }}
          >
            <span className="chip" aria-hidden="true">
              {citation.n}
            </span>
            <span className="source-name" title={citation.document_name}>
              {citation.document_name}
            </span>
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
