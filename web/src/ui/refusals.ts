// What the server refused, by field. The form gives it, fields take what concerns them; typing takes it away again.
import { createContext, use } from "react";

export type Refusals = Readonly<Record<string, string>>;

export const RefusalsContext = createContext<Refusals>({});

export const useRefusal = (name: string | undefined): string | undefined => {
  const refusals = use(RefusalsContext);
  return name !== undefined && Object.hasOwn(refusals, name) ? refusals[name] : undefined;
};
