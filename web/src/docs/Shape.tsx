// The fields of a shape. Shapes inside it open one by one, so that one which holds itself has an end.
import { useState } from "react";
import { inner, resolve, typeName, type Schema, type Spec } from "./spec";
import type { Words } from "./words";

interface Props {
  spec: Spec;
  schema: Schema;
  w: Words;
}

export function ShapePart({ spec, schema, w }: Props) {
  const shape = inner(spec, schema);
  const [open, setOpen] = useState(false);
  if (!shape) return null;
  return (
    <details className="docs-shape" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{w.fields.replace("{type}", typeName(schema))}</summary>
      {open && <Inside spec={spec} schema={shape} w={w} />}
    </details>
  );
}

function Inside({ spec, schema, w }: Props) {
  const whole = resolve(spec, schema);
  if (whole.oneOf) {
    return <>{whole.oneOf.map((one, at) => <div key={at} className="docs-one">{one.description && <p lang="en">{one.description}</p>}<Inside spec={spec} schema={one} w={w} /></div>)}</>;
  }
  return (
    <ul className="docs-fields">
      {Object.entries(whole.properties ?? {}).map(([name, field]) => (
        <li key={name}>
          <code className="docs-name">{name}</code> <span className="docs-type">{typeName(field)}{whole.required?.includes(name) && ` · ${w.required}`}</span>
          {field.description && <p lang="en">{field.description}</p>}
          <ShapePart spec={spec} schema={field} w={w} />
        </li>
      ))}
    </ul>
  );
}
