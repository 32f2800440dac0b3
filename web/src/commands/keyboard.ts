// From a pressed key to its command: which keys are left alone, and where each may act. The table says what they mean.
import type { Route } from "../routes/route";
import type { State } from "../state/model";
import { composing } from "../hooks/composing";
import { matches, type KeyPress, type Layout } from "./chord";
import { isOffered, type Command } from "./command";

export interface Press extends KeyPress {
  defaultPrevented: boolean;
  isComposing: boolean;
  keyCode: number;
  timeStamp: number;
  repeat: boolean;
}

export interface At {
  state: State;
  route: Route;
  /** The focus is where one writes. */
  inField: boolean;
  /** A dialog or a menu is open, and has the keys. */
  isCovered: boolean;
  layout: Layout;
  isMac: boolean;
}

export function commandFor(commands: readonly Command[], press: Press, at: At): Command | null {
  if (press.defaultPrevented || composing(press)) return null;
  at.layout.note(press);
  if (at.isCovered) return null;
  const found = commands.find((one) =>
    (one.where === "always" || !at.inField)
    && (one.keys ?? []).some((written) => matches(written, press, at.layout, at.isMac))
    && isOffered(one, at.state, at.route));
  return found && (!press.repeat || found.repeats) ? found : null;
}
