// A page whose code comes when it is first opened. When that fails (no connection, or a new version has other files) it
// says so and tries again; the rest of the page goes on working.
import { Component, lazy, Suspense, useState, type ComponentType, type ReactNode } from "react";
import { Empty } from "../components/Empty";
import { useText } from "../hooks/app";

class ChunkError extends Error {}

export function lazyPage(load: () => Promise<ComponentType>): ComponentType {
  const make = () => lazy(() => load().then(
    (page) => ({ default: page }),
    (error: unknown) => { throw new ChunkError(String(error)); },
  ));
  // A refused module stays refused in its `lazy`: the next attempt needs another one.
  let Current = make();
  return function LazyPage() {
    const [attempt, setAttempt] = useState(0);
    const again = () => {
      Current = make();
      setAttempt(attempt + 1);
    };
    return (
      <Caught key={attempt} again={again}>
        <Suspense fallback={<Opening />}><Current /></Suspense>
      </Caught>
    );
  };
}

function Opening() {
  const t = useText();
  return <main className="page" aria-busy="true"><p className="page-opening" role="status">{t("page.loading")}</p></main>;
}

class Caught extends Component<{ again: () => void; children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <Failed reason={error instanceof ChunkError ? null : String(error)} again={this.props.again} />;
  }
}

function Failed({ reason, again }: { reason: string | null; again: () => void }) {
  const t = useText();
  return (
    <main className="page" data-testid="page-failed">
      <Empty alert title={t(reason === null ? "page.chunkFailed" : "app.fallen")}
        hint={reason === null ? t("page.chunkHint") : `${t("app.fallenHint")} (${reason})`}
        action={(
          <span className="acts">
            <button type="button" className="primary" onClick={again}>{t("try.again")}</button>
            <button type="button" onClick={() => location.reload()}>{t("app.reload")}</button>
          </span>
        )} />
    </main>
  );
}
