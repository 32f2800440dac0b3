// The name of a button that shows a picture. Never the only place of anything that is needed: it does not open by touch.
import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";
import "./overlay.css";

export function Tooltip({ words, children }: { words: string; children: ReactElement }) {
  return (
    <Base.Root>
      <Base.Trigger render={children} delay={400} />
      <Base.Portal>
        <Base.Positioner className="ui-positioner" sideOffset={6} collisionPadding={8}>
          <Base.Popup className="ui-tooltip">{words}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
