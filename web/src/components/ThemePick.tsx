// The switch between the appearances.
import { useFrame } from "../hooks/app";
import type { Theme } from "../services/preferences";

const themes: [Theme, "menu.system" | "menu.light" | "menu.dark"][] = [
  ["system", "menu.system"], ["light", "menu.light"], ["dark", "menu.dark"],
];

export function ThemePick() {
  const { text: t, preferences, prefer } = useFrame();
  return (
    <div className="pick" role="group" aria-label={t("menu.theme")}>
      {themes.map(([theme, key]) => (
        <button key={theme} type="button" aria-pressed={preferences.theme === theme} onClick={() => prefer({ theme })}>
          {t(key)}
        </button>
      ))}
    </div>
  );
}
