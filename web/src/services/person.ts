// The operations about a person and what is known of it. Types are the server's.
import type { Attribute, Attributes, Card, FoundContact, Label, Labels } from "../api.gen";
import type { Api } from "./api";
import { params } from "./params";

export type PersonCalls = ReturnType<typeof callsOf>;

/** Does something with the server, whose answer is the person as it is then; `false` when it was refused, which is shown. */
export type Act = (work: () => Promise<Card>) => Promise<boolean>;

export const callsOf = (request: Api["request"]) => {
  const change = (contact: string, what: string, body: object) => request<Card>("POST", `/api/v1/contacts/${contact}/${what}`, body);
  return {
    card: (contact: string) => request<Card>("GET", `/api/v1/contacts/${contact}`),
    merge: (contact: string, into: string) => change(contact, "merge", { into }),
    split: (contact: string, merge: string, same: boolean) => change(contact, "split", { merge, same }),
    block: (contact: string, blocked: boolean) => change(contact, "block", { blocked }),
    label: (contact: string, labels: string[]) => change(contact, "labels", { labels }),
    set: (contact: string, values: Record<string, unknown>) => change(contact, "attributes", { values }),
    note: (contact: string, note: string | null, text: string | null) => change(contact, "notes", { note, text }),
    labels: (tenant: string): Promise<Label[]> => request<Labels>("GET", `/api/v1/labels?${params({ tenant })}`).then(({ labels }) => labels),
    makeLabel: (tenant: string, name: string, colour: string) => request<Label>("POST", "/api/v1/labels", { tenant, name, colour }),
    attributes: (tenant: string): Promise<Attribute[]> =>
      request<Attributes>("GET", `/api/v1/attributes?${params({ tenant })}`).then(({ attributes }) => attributes),
    find: (tenant: string, q: string) =>
      request<{ contacts: FoundContact[] }>("GET", `/api/v1/contacts?${params({ tenant, q, limit: "8" })}`).then(({ contacts }) => contacts),
  };
};
