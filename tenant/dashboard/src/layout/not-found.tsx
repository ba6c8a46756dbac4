import { useTranslation } from "react-i18next";
import { Link } from "react-router";

export function NotFound({ title }: { title: string }) {
  const { t } = useTranslation();
  return (
    <div className="empty">
      <h1>{title}</h1>
      <Link className="button primary" to="/chat">
        {t("app.home")}
      </Link>
    </div>
  );
}
