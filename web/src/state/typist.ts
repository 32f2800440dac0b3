// Somebody who types, as plain values.
export interface Typist {
  id: string;
  name: string;
  /** When the server heard of it, by its clock. */
  at: number;
  /** Of the elapsed time. */
  until: number;
}

/** Stands for the customer of the conversation, who has a name already. */
export const customer = "customer";

export type TypingChange =
  | { type: "typing"; conversation: string; who: Typist }
  | { type: "typing.left"; conversation: string; user: string | null }
  | { type: "typing.swept"; now: number };
