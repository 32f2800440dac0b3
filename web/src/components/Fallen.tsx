// Stands in for a page that failed while it was drawn: says so, instead of an empty window.
import { Component, type ReactNode } from "react";
import { useText } from "../hooks/app";
import { Empty } from "./Empty";

export class Fallen extends Component<{ children: ReactNode }, { reason: string | null }> {
  override state = { reason: null };

  static getDerivedStateFromError(error: unknown): { reason: string } {
    return { reason: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    return this.state.reason === null ? this.props.children : <Words reason={this.state.reason} />;
  }
}

function Words({ reason }: { reason: string }) {
  const t = useText();
  return (
    <main className="splash">
      <Empty alert title={t("app.fallen")} hint={`${t("app.fallenHint")} (${reason})`}
        action={<button type="button" className="primary" onClick={() => location.reload()}>{t("app.reload")}</button>} />
    </main>
  );
}
