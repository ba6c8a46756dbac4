import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "./button";
import { Notice } from "./notice";

/** What nobody expected: a sentence and a way on instead of an empty page. */
export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useTranslation();
  return (
    <main className="door">
      <div className="card door-card">
        <Notice>{t("app.broken")}</Notice>
        <Button
          look="primary"
          icon="retry"
          onClick={() => {
            location.reload();
          }}
        >
          {t("app.reload")}
        </Button>
      </div>
    </main>
  );
}
