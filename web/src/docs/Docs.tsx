// The API browser: every operation of the server that serves this page, by its own description.
import { useEffect, useState } from "react";
import { useFrame } from "../hooks/app";
import { reasonOf } from "../services/problem";
import { SelectField, TextField } from "../ui/Field";
import { LookPick } from "../components/LookPick";
import { FailedState, LoadingState } from "../ui/States";
import { OperationPart } from "./Operation";
import { groups, type Entry, type Spec } from "./spec";
import type { Access } from "./Try";
import { words } from "./words";

export function Docs() {
  const { preferences } = useFrame();
  const w = words[preferences.language];
  const [spec, setSpec] = useState<Spec | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [access, setAccess] = useState<Access>({ kind: "token", secret: "" });
  const [find, setFind] = useState("");

  useEffect(() => {
    document.title = `${w.title} · Hubbub`;
  }, [w]);
  useEffect(() => {
    setFailed(null);
    fetch("api/v1/openapi.json").then(async (answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      setSpec((await answer.json()) as Spec);
    }).catch((error: unknown) => setFailed(reasonOf(error)));
  }, [attempt]);
  // The browser looked for the address's part before it was there.
  useEffect(() => {
    if (spec && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [spec]);

  const sought = find.trim().toLowerCase();
  const has = ({ path, method, summary = "", operationId }: Entry) => `${method} ${path} ${summary} ${operationId}`.toLowerCase().includes(sought);
  const shown = spec ? groups(spec).map(([tag, entries]) => [tag, entries.filter(has)] as const).filter(([, entries]) => entries.length > 0) : [];
  return (
    <>
      <header className="docs-bar">
        <nav aria-label={w.nav}>
          <strong>Hubbub</strong>
          <a href="docs" aria-current="page">{w.title}</a>
          <a href="docs/socket">{w.socket}</a>
          <a href="./">{w.inbox}</a>
        </nav>
        <LookPick />
      </header>
      <main className="docs">
        <h1>{w.title}{spec && <small className="figures"> {spec.info.version}</small>}</h1>
        {failed !== null && <FailedState reason={`${w.failed} (${failed})`} onRetry={() => setAttempt(attempt + 1)} />}
        {!spec && failed === null && <LoadingState lines={8} />}
        {spec && (
          <>
            <p lang="en">{spec.info.description}</p>
            <section className="docs-access" aria-label={w.access}>
              <h2>{w.access}</h2>
              <p className="ui-hint">{w.accessHint}</p>
              <div className="docs-two">
                <SelectField label={w.kind} required value={access.kind} onChange={(event) => setAccess({ ...access, kind: event.target.value as Access["kind"] })}
                  choices={[{ value: "token", label: w.token }, { value: "key", label: w.key }]} />
                <TextField label={w.secret} type="password" autoComplete="off" required value={access.secret} dir="ltr"
                  onChange={(event) => setAccess({ ...access, secret: event.target.value })} />
              </div>
            </section>
            <TextField label={w.find} type="search" required value={find} onChange={(event) => setFind(event.target.value)} />
            <p className="ui-hint" role="status">{shown.length === 0 ? w.none : ""}</p>
            {shown.map(([tag, entries]) => (
              <section key={tag} className="docs-group" aria-labelledby={`tag-${tag.replaceAll(" ", "-")}`}>
                <h2 id={`tag-${tag.replaceAll(" ", "-")}`} lang="en">{tag}</h2>
                {entries.map((entry) => <OperationPart key={entry.operationId} spec={spec} entry={entry} access={access} w={w} />)}
              </section>
            ))}
          </>
        )}
      </main>
    </>
  );
}
