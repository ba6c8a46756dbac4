import { useEffect, useRef, useState, type KeyboardEvent, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";

import { IconButton } from "../ui/button";
import { draftOf, keepDraft } from "./draft";

interface Props {
  account: string;
  /** A new chat: what there is to do is to type. */
  fresh: boolean;
  busy: boolean;
  stopping: boolean;
  onAsk: (question: string) => void;
  onStop: () => void;
}

// On a touch screen the focus would bring up the keyboard over the page.
const hasKeyboard = () => window.matchMedia("(pointer: fine)").matches;

/** Enter sends, Shift+Enter breaks the line; while an answer arrives the button stops it. */
export function Composer({ account, fresh, busy, stopping, onAsk, onStop }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState(() => draftOf(account));
  const box = useRef<HTMLTextAreaElement>(null);
  const begin = fresh || text !== "";
  const first = useRef(begin);
  useEffect(() => {
    if ((fresh || first.current) && hasKeyboard()) box.current?.focus();
  }, [fresh]);
  const question = text.trim();
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy || question === "") return;
    // The draft stays until the agent has the question: see forgetDraft.
    setText("");
    if (hasKeyboard()) box.current?.focus();
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
            className="solid"
            icon="stop"
            label={t("chat.stop")}
            disabled={stopping}
            onClick={(event) => {
              // The second half of a double click on "send" is not meant for this button.
              if (event.detail < 2) onStop();
            }}
          />
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
