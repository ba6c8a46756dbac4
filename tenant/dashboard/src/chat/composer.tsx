import { useEffect, useRef, useState, type KeyboardEvent, type SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";

import { IconButton } from "../ui/button";

interface Props {
  /** A new chat: what there is to do is to type. */
  fresh: boolean;
  busy: boolean;
  onAsk: (question: string) => void;
  onStop: () => void;
}

/** Enter sends, Shift+Enter breaks the line; while an answer arrives the button stops it. */
export function Composer({ fresh, busy, onAsk, onStop }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // On a touch screen the focus would bring up the keyboard over the page.
    if (fresh && window.matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, [fresh]);
  const question = text.trim();
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy || question === "") return;
    setText("");
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
          placeholder={t("chat.placeholder")}
          aria-label={t("chat.question")}
          onChange={(event) => {
            setText(event.target.value);
          }}
          onKeyDown={onKeyDown}
        />
        {busy ? (
          <IconButton className="solid" icon="stop" label={t("chat.stop")} onClick={onStop} />
        ) : (
          <IconButton
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
