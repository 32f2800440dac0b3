// Calls an operation of this server with what is filled in, and shows the answer as it came.
import { useState } from "react";
import { reasonOf } from "../services/problem";
import { TextArea, TextField } from "../ui/Field";
import { Form } from "../ui/Form";
import { example, fill, type Entry, type Spec } from "./spec";
import type { Words } from "./words";

export interface Access {
  kind: "token" | "key";
  secret: string;
}

interface Answer {
  status: number;
  kind: string;
  ms: number;
  text: string;
}

const shownCharacters = 20_000;

export function Try({ spec, entry, access, w }: { spec: Spec; entry: Entry; access: Access; w: Words }) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const schema = entry.requestBody?.content["application/json"]?.schema;
  const parameters = entry.parameters ?? [];

  async function send(values: FormData): Promise<void> {
    setAnswer(null);
    const given = Object.fromEntries(parameters.map(({ name }) => [name, values.get(name) as string]));
    const headers: Record<string, string> = {};
    if (access.secret) Object.assign(headers, access.kind === "key" ? { "x-api-key": access.secret } : { authorization: `Bearer ${access.secret}` });
    const body = schema ? (values.get("body") as string) : null;
    if (body !== null) {
      try {
        JSON.parse(body);
      } catch (error) {
        throw new Error(w.badJson.replace("{why}", reasonOf(error)));
      }
      headers["content-type"] = "application/json";
    }
    const started = performance.now();
    const reply = await fetch(fill(entry, given).slice(1), { method: entry.method.toUpperCase(), headers, body }).catch(() => {
      throw new Error(w.lost);
    });
    const kind = reply.headers.get("content-type") ?? "";
    const text = kind.includes("octet-stream") ? `${(await reply.blob()).size} B` : pretty(await reply.text());
    setAnswer({ status: reply.status, kind, ms: Math.round(performance.now() - started), text: text.slice(0, shownCharacters) });
  }

  return (
    <div className="docs-try">
      <h4>{w.tryIt}</h4>
      {entry.method !== "get" && <p className="ui-hint">{w.caution}</p>}
      <Form save={send} submit={w.send} label={`${w.tryIt}: ${entry.method.toUpperCase()} ${entry.path}`}>
        {parameters.map(({ name, required = false }) => <TextField key={name} name={name} label={name} required={required} dir="ltr" autoComplete="off" />)}
        {schema && <TextArea name="body" label={w.body} required rows={6} dir="ltr" spellCheck={false} defaultValue={JSON.stringify(example(spec, schema), null, 2)} />}
      </Form>
      <div role="status">
        {answer && (
          <>
            <h5>{w.result}: <code>{answer.status}</code> <span className="docs-type">{answer.kind} · {answer.ms} ms</span></h5>
            <pre dir="ltr" tabIndex={0} role="group" aria-label={w.result}>{answer.text}</pre>
          </>
        )}
      </div>
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
