// How an author is called on the page.
import type { Text } from "../i18n/text";
import type { Author } from "../api.gen";

export function authorName(t: Text, author: Author, me: string | null): string {
  switch (author.kind) {
    case "customer":
      return author.name ?? t("author.customer");
    case "manager":
      return author.id !== null && author.id === me ? t("author.you") : (author.name ?? t("author.manager"));
    case "responder":
      return author.name && author.name !== "AI" ? `${t("author.ai")} · ${author.name}` : t("author.ai");
    case "phone":
      return t("author.phone");
    case "other_app":
      return t("author.otherApp");
    case "system":
      return t("author.system");
  }
}

/** Whether a customer's message is of somebody whom the conversation is not called after: in a group, or a stranger in a thread. */
export const isSomebodyElse = (author: Author, customer: string | null): boolean =>
  author.kind === "customer" && Boolean(author.name) && author.name !== customer;
