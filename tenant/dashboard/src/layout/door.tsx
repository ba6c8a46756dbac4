import type { ReactNode } from "react";

import type { Branding } from "../branding/branding";
import { BrandMark } from "./brand-mark";
import { LanguageChoice } from "./language-choice";

interface Props {
  branding: Branding;
  title: string;
  lead: string;
  children: ReactNode;
}

/** The frame of the screens before the dashboard: who it belongs to, and in which language. */
export function Door({ branding, title, lead, children }: Props) {
  return (
    <main className="door">
      <title>{`${title} · ${branding.name}`}</title>
      <div className="card door-card">
        <BrandMark branding={branding} large />
        <div>
          <h1>{title}</h1>
          <p className="lead">{lead}</p>
        </div>
        {children}
      </div>
      <LanguageChoice languages={branding.languages} quiet />
    </main>
  );
}
