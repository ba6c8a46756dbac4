import type { ComponentPropsWithRef, ReactNode } from "react";

import { Icon, type IconName } from "./icon";

interface Props extends ComponentPropsWithRef<"button"> {
  look?: "primary" | "plain" | "danger" | "ghost";
  icon?: IconName;
  children?: ReactNode;
}

export function Button({ look = "plain", icon, children, className = "", ...rest }: Props) {
  return (
    <button type="button" className={`button ${look} ${className}`} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button that is only an icon: its name is its label and its tooltip. */
export function IconButton({ label, className = "", ...rest }: Props & { label: string }) {
  return (
    <Button
      look="ghost"
      className={`square ${className}`}
      aria-label={label}
      title={label}
      {...rest}
    />
  );
}
