import type { ReactNode } from "react";

import { Icon } from "./icon";

/** A sentence about something that went wrong, read out by assistive technology. */
export function Notice({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return (
    <div className="notice" role="alert">
      <Icon name="alert" />
      <div className="notice-text">{children}</div>
      {actions}
    </div>
  );
}

export function Loading({ label }: { label: string }) {
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      {label}
    </p>
  );
}
