// Decides by the session alone whether the page is shown, or the way into it.
import { Fallen } from "../components/Fallen";
import { Splash } from "../components/Splash";
import { usePick } from "../hooks/app";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

export function Root() {
  return <Fallen><Page /></Fallen>;
}

function Page() {
  const phase = usePick((state) => state.session.phase);
  if (phase === "in") return <Shell />;
  return phase === "out" ? <SignIn /> : <Splash />;
}
