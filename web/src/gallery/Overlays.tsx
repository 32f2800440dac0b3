// What lies over the page: dialogs and menus.
import { useState } from "react";
import { Button } from "../ui/Button";
import { Confirm, Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { CrossIcon } from "../ui/icons";
import { Menu } from "../ui/Menu";
import { Part } from "./Part";
import type { Words } from "./words";

export function Overlays({ w }: { w: Words }) {
  const [shown, setShown] = useState<"short" | "long" | "ask" | null>(null);
  const [order, setOrder] = useState("newest");
  const [done, setDone] = useState("");
  const close = () => setShown(null);
  return (
    <>
      <Part id="dialogs" title={w.dialogs}>
        <div className="ui-actions">
          <Button onClick={() => setShown("short")} data-testid="open-dialog">{w.open}</Button>
          <Button onClick={() => setShown("long")} data-testid="open-long">{w.openLong}</Button>
          <Button onClick={() => setShown("ask")} data-testid="open-confirm">{w.ask}</Button>
        </div>
        <Dialog open={shown === "short"} onClose={close} title={w.dialogTitle} hint={w.dialogHint} actions={<Button tone="primary" onClick={close}>{w.save}</Button>}>
          <TextField label={w.name} required />
        </Dialog>
        <Dialog open={shown === "long"} onClose={close} title={w.dialogTitle} wide actions={<Button onClick={close}>{w.save}</Button>}>
          <div tabIndex={0} role="group" aria-label={w.dialogTitle}>{Array.from({ length: 30 }, (_, at) => <p key={at}>{w.line}</p>)}</div>
        </Dialog>
        <Confirm open={shown === "ask"} onClose={close} onConfirm={close} title={w.removeTitle} hint={w.removeHint} action={w.removeAct} danger />
      </Part>
      <Part id="menus" title={w.menus}>
        <div className="ui-actions" data-testid="menus">
          <Menu label={w.actions} entries={[
            { label: w.take, onSelect: () => setDone(w.take), keys: "t" },
            { label: w.copy, onSelect: () => setDone(w.copy) },
            { label: w.forbidden, onSelect: () => undefined, disabled: true },
            { kind: "link", label: w.api, href: "./docs" },
            { kind: "line" },
            { kind: "pick", label: w.order, value: order, onPick: setOrder, choices: [{ value: "newest", label: w.newest }, { value: "oldest", label: w.oldest }] },
            { kind: "line" },
            { label: w.danger, onSelect: () => setShown("ask"), danger: true },
          ]} />
          <Menu label={w.picture} icon={<CrossIcon />} tone="quiet" align="end" entries={[{ label: w.take, onSelect: () => undefined }]} />
          <span role="status">{done}</span>
        </div>
      </Part>
    </>
  );
}
