// The moment before it is known whether somebody is signed in. Says so when the server cannot be reached.
import { usePick, useText } from "../hooks/app";
import { Mark } from "./Icons";

export function Splash() {
  const t = useText();
  const lost = usePick((state) => state.link.phase === "lost");
  return (
    <main className="splash" aria-busy="true">
      <Mark />
      <p role="status">{lost ? t("link.lostNow") : t("app.loading")}</p>
    </main>
  );
}
