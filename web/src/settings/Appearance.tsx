// Language and colours: of this browser.
import { LanguagePick } from "../components/LanguagePick";
import { ThemePick } from "../components/ThemePick";
import { useText } from "../hooks/app";
import { PageHead } from "./Parts";

export function AppearancePage() {
  const t = useText();
  return (
    <>
      <PageHead title={t("page.appearance")} hint={t("page.appearanceHint")} />
      <div className="card">
        <dl className="facts">
          <div><dt>{t("menu.language")}</dt><dd><LanguagePick /></dd></div>
          <div><dt>{t("menu.theme")}</dt><dd><ThemePick /></dd></div>
        </dl>
      </div>
    </>
  );
}
