import { useEffect, useRef, useState, type KeyboardEvent, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";

import { IconButton } from "../ui/button";
import { hasFinePointer } from "../ui/pointer";
import { draftOf, draftWasSent, keepDraft } from "./draft";

interface Props {
  account: string;
  /** A new chat: what there is to do is to type. */
  fresh: boolean;
  busy: boolean;
  stopping: boolean;
  /** The questions the agent has; null until they are known. */
  taken: string[] | null;
  onAsk: (question: string) => void;
  onStop: () => void;
}

/** Enter sends, Shift+Enter breaks the line; while an answer arrives the button stops it. */
export function Composer({ account, fresh, busy, stopping, taken, onAsk, onStop }: Props) {
  const { t } = useTranslation();
  const { text, setText } = useText(account, taken);
  const box = useRef<HTMLTextAreaElement>(null);
  const first = useRef(fresh || draftOf(account) !== "");
  useEffect(() => {
    // On a touch screen the focus would bring up the keyboard over the page.
    if ((fresh || first.current) && hasFinePointer()) box.current?.focus();
  }, [fresh]);
  const question = text.trim();
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy || question === "") return;
    // The draft stays until the agent has the question: see forgetDraft.
    keepDraft(account, question, true);
    setText("");
    if (hasFinePointer()) box.current?.focus();
    else box.current?.blur();
    onAsk(question);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
  };
  return (
    <form className="composer" onSubmit={send}>
      <div className="composer-box">
        <textarea
          ref={box}
          rows={1}
          value={text}
          maxLength={4000}
          enterKeyHint="send"
          placeholder={t("chat.placeholder")}
          aria-label={t("chat.question")}
          onChange={(event) => {
            setText(event.target.value);
            keepDraft(account, event.target.value);
          }}
          onKeyDown={onKeyDown}
        />
        {busy ? (
          <IconButton
            key="stop"
            className={stopping ? "solid telling" : "solid"}
            icon="stop"
            label={t(stopping ? "chat.stopping" : "chat.stop")}
            disabled={stopping}
            onClick={(event) => {
              // The second half of a double click on "send" is not meant for this button.
              if (event.detail < 2) onStop();
            }}
          >
            {stopping && t("chat.stopping")}
          </IconButton>
        ) : (
          <IconButton
            key="send"
            className="solid"
            icon="send"
            label={t("chat.send")}
            type="submit"
            disabled={question === ""}
          />
        )}
      </div>
      <p className="hint">{t("chat.hint")}</p>
    </form>
  );
}

/**
 * The text being typed. What was sent before the page was loaded comes back only when it did not
 * arrive, which the stored questions tell.
 */
function useText(account: string, taken: string[] | null) {
  const [text, setText] = useState(() => draftOf(account));
  const [sent, setSent] = useState(() => draftWasSent(account));
  if (sent && taken !== null) {
    setSent(false);
    if (taken.includes(text.trim())) setText("");
  }
  const change = (next: string) => {
    setText(next);
    setSent(false);
  };
  return { text: sent ? "" : text, setText: change };
}
