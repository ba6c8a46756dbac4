import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, useLocation } from "react-router";

import type { Me } from "../auth/session";
import type { Branding } from "../branding/branding";
import { ConversationList } from "../chat/conversation-list";
import { IconButton } from "../ui/button";
import { Icon } from "../ui/icon";
import { AccountMenu } from "./account-menu";
import { BrandMark } from "./brand-mark";

interface Props {
  branding: Branding;
  me: Me;
  children: ReactNode;
}

/** Side bar with navigation and history; on a phone it slides over the page. */
export function Shell({ branding, me, children }: Props) {
  const { t } = useTranslation();
  // The side bar belongs to the page it was opened on: navigating closes it.
  const { pathname } = useLocation();
  const [openOn, setOpenOn] = useState<string | null>(null);
  const open = openOn === pathname;
  const { bar, content, button } = useSlideFocus(open, pathname);
  const close = () => {
    setOpenOn(null);
  };
  return (
    <div
      className={`shell ${open ? "open" : ""}`}
      onKeyDown={(event) => {
        if (open && event.key === "Escape") close();
      }}
    >
      <title>
        {`${t(pathname.startsWith("/documents") ? "nav.documents" : "nav.chat")} · ${branding.name}`}
      </title>
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      <header className="top-bar" inert={open}>
        <IconButton
          ref={button}
          icon="menu"
          label={t("nav.menu")}
          aria-expanded={open}
          aria-controls="side-bar"
          onClick={() => {
            setOpenOn(pathname);
          }}
        />
        <BrandMark branding={branding} />
      </header>
      <div className="shade" onClick={close} />
      <aside ref={bar} id="side-bar" className="side-bar" tabIndex={-1}>
        <div className="side-head">
          <BrandMark branding={branding} />
          <IconButton className="only-phone" icon="close" label={t("app.close")} onClick={close} />
        </div>
        <nav aria-label={t("nav.label")} className="side-nav">
          <NavLink to="/chat">
            <Icon name="chat" />
            {t("nav.chat")}
          </NavLink>
          <NavLink to="/documents">
            <Icon name="documents" />
            {t("nav.documents")}
          </NavLink>
        </nav>
        <ConversationList />
        <AccountMenu me={me} languages={branding.languages} />
      </aside>
      <main ref={content} id="content" className="content" tabIndex={-1} inert={open}>
        {children}
      </main>
    </div>
  );
}

/** Opened over the page, the side bar takes the focus; closed it goes back, or to the new page. */
function useSlideFocus(open: boolean, pathname: string) {
  const bar = useRef<HTMLElement>(null);
  const content = useRef<HTMLElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const openedOn = useRef<string | null>(null);
  useEffect(() => {
    if (open) {
      openedOn.current = pathname;
      bar.current?.focus();
    } else if (openedOn.current !== null) {
      const target = openedOn.current === pathname ? button : content;
      openedOn.current = null;
      target.current?.focus();
    }
  }, [open, pathname]);
  return { bar, content, button };
}
