// What the server refused, by field. The form gives it, fields take what concerns them; typing takes it away again.
import { createContext, use } from "react";
import { reasonOf, RequestError } from "../services/problem";

export type Refusals = Readonly<Record<string, string>>;

export const RefusalsContext = createContext<Refusals>({});

export const useRefusal = (name: string | undefined): string | undefined => {
  const refusals = use(RefusalsContext);
  return name !== undefined && Object.hasOwn(refusals, name) ? refusals[name] : undefined;
};

/** Where a refusal belongs: at a field that is in the form, else to the form, with the field's name if it has one. */
export function refusalOf(error: unknown, has: (field: string) => boolean): { field: string | null; words: string } {
  const words = reasonOf(error);
  const field = error instanceof RequestError ? error.field : null;
  if (field !== null && has(field)) return { field, words };
  return { field: null, words: field === null ? words : `${field}: ${words}` };
}
