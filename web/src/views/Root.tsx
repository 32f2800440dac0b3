// Decides which page is shown: by the session alone.
import { Fallen } from "../components/Fallen";
import { Splash } from "../components/Splash";
import { usePick } from "../hooks/app";
import { Inbox } from "./Inbox";
import { SignIn } from "./SignIn";

export function Root() {
  return <Fallen><Page /></Fallen>;
}

function Page() {
  const phase = usePick((state) => state.session.phase);
  if (phase === "in") return <Inbox />;
  return phase === "out" ? <SignIn /> : <Splash />;
}
