// Short words after something was done. They stand in a corner, wait while one points at them, and F6 leads to them.
// What a person must act on is not a toast: it is said where it happened.
import { Toast as Base } from "@base-ui/react/toast";
import type { ReactNode } from "react";
import { useText } from "../hooks/app";
import { CrossIcon } from "./icons";
import "./overlay.css";

export interface Saying {
  text: string;
  more?: string;
  tone?: "good" | "bad";
  /** What can be done about it, such as undoing it. */
  action?: { label: string; run: () => void };
  /** For how long; nothing that is bad or can be acted on goes by itself. */
  ms?: number;
}

/** Gives the words of a page their corner. */
export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Base.Provider limit={3}>
      {children}
      <Base.Portal><Corner /></Base.Portal>
    </Base.Provider>
  );
}

/** Says something in the corner of the `Toasts` around it. */
export function useToast(): (saying: Saying) => void {
  const { add, close } = Base.useToastManager();
  return ({ text, more, tone = "good", action, ms }) => {
    const id = add({
      title: text, description: more, type: tone,
      priority: tone === "bad" ? "high" : "low",
      timeout: ms ?? (tone === "bad" || action ? 0 : 6_000),
      ...(action && { actionProps: { children: action.label, onClick: () => { close(id); action.run(); } } }),
    });
  };
}

function Corner() {
  const t = useText();
  const { toasts } = Base.useToastManager();
  return (
    <Base.Viewport className="ui-toasts" aria-label={t("ui.toasts")}>
      {toasts.map((toast) => (
        <Base.Root key={toast.id} toast={toast} className="ui-toast" data-tone={toast.type} swipeDirection={["down", "right", "left"]}>
          <Base.Content className="ui-toast-content">
            <div className="ui-toast-words">
              <Base.Title className="ui-toast-title" render={<p />} />
              <Base.Description className="ui-hint" />
            </div>
            <Base.Action className="ui-button ui-button-plain ui-button-small" />
            <Base.Close className="ui-button ui-button-quiet ui-button-square" aria-label={t("ui.close")}><CrossIcon /></Base.Close>
          </Base.Content>
        </Base.Root>
      ))}
    </Base.Viewport>
  );
}
