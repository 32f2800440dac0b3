// One operation: closed a line, open its parameters, body, answers, and a form to try it.
import { useId, useState } from "react";
import { ShapePart } from "./Shape";
import { typeName, type Entry, type Spec } from "./spec";
import { Try, type Access } from "./Try";
import type { Words } from "./words";

export function OperationPart({ spec, entry, access, w }: { spec: Spec; entry: Entry; access: Access; w: Words }) {
  const [open, setOpen] = useState(location.hash === `#${entry.operationId}`);
  const id = useId();
  const bodies = Object.entries(entry.requestBody?.content ?? {});
  return (
    <article className="docs-operation" id={entry.operationId}>
      <h3>
        <button type="button" aria-expanded={open} aria-controls={id} onClick={() => {
          setOpen(!open);
          if (!open) history.replaceState(null, "", `${location.pathname}${location.search}#${entry.operationId}`);
        }}>
          <code className={`docs-method docs-${entry.method}`}>{entry.method.toUpperCase()}</code>
          <code className="docs-path" dir="ltr">{entry.path}</code>
          <span className="docs-summary" lang="en">{entry.summary}</span>
        </button>
      </h3>
      <div id={id} hidden={!open} className="docs-inside">
        {open && (
          <>
            {entry.description && <p lang="en">{entry.description}</p>}
            {entry.parameters && entry.parameters.length > 0 && (
              <>
                <h4>{w.parameters}</h4>
                <ul className="docs-fields">
                  {entry.parameters.map(({ name, in: place, required, description, schema = {} }) => (
                    <li key={name}>
                      <code className="docs-name">{name}</code> <span className="docs-type">{typeName(schema)} · {place}{required && ` · ${w.required}`}</span>
                      {description && <p lang="en">{description}</p>}
                    </li>
                  ))}
                </ul>
              </>
            )}
            {bodies.map(([kind, { schema = {} }]) => (
              <div key={kind}>
                <h4>{w.body} <span className="docs-type">{kind} · {typeName(schema)}</span></h4>
                <ShapePart spec={spec} schema={schema} w={w} />
              </div>
            ))}
            <h4>{w.answers}</h4>
            <ul className="docs-fields">
              {Object.entries(entry.responses).map(([status, { description, content = {} }]) => (
                <li key={status}>
                  <code className="docs-name">{status}</code>
                  {Object.entries(content).map(([kind, { schema = {} }]) => (
                    <span key={kind}> <span className="docs-type">{kind} · {typeName(schema)}</span></span>
                  ))}
                  {description && <p lang="en">{description}</p>}
                  {Number(status) < 300 && Object.entries(content).map(([kind, { schema = {} }]) => <ShapePart key={kind} spec={spec} schema={schema} w={w} />)}
                </li>
              ))}
            </ul>
            <Try spec={spec} entry={entry} access={access} w={w} />
          </>
        )}
      </div>
    </article>
  );
}
