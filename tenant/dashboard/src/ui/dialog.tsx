import { useEffect, useId, useRef, type ReactNode, type SyntheticEvent } from "react";

interface Props {
  title: string;
  onClose: () => void;
  onSubmit?: () => void;
  children: ReactNode;
  actions: ReactNode;
}

/** A modal dialog of the platform: focus trap, Escape and inert background come with it. */
export function Dialog({ title, onClose, onSubmit, children, actions }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    return () => {
      // The platform gives focus back when a dialog is closed, not when it is taken off the page.
      const back = opener?.isConnected ? opener : document.getElementById("content");
      if (back instanceof HTMLElement) back.focus();
    };
  }, []);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <dialog ref={element} className="dialog" aria-labelledby={titleId} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        {children}
        <div className="dialog-actions">{actions}</div>
      </form>
    </dialog>
  );
}
