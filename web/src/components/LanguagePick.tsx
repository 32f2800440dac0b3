// The switch of the language, each named in itself.
import { useFrame } from "../hooks/app";
import { languageNames, type Language } from "../i18n/text";

export function LanguagePick() {
  const { text: t, preferences, prefer } = useFrame();
  return (
    <div className="pick" role="group" aria-label={t("menu.language")}>
      {(Object.keys(languageNames) as Language[]).map((language) => (
        <button
          key={language} type="button" lang={language} aria-pressed={preferences.language === language}
          onClick={() => prefer({ language })}
        >
          {languageNames[language]}
        </button>
      ))}
    </div>
  );
}
