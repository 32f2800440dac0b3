// The content of a message by its kind. A kind that nobody here knows says so instead of showing nothing.
import { useText } from "../hooks/app";
import type { Message } from "../api.gen";
import { contextOf } from "../state/context";
import { AttachmentView } from "./AttachmentView";
import { ContactCards, LocationCard } from "./Cards";
import { RichText } from "./RichText";

export function MessageBody({ message }: { message: Message }) {
  const t = useText();
  if (message.deleted_at !== null) {
    return <p className="deleted">{t("message.deleted")}</p>;
  }
  const hasFiles = message.attachments.length > 0;
  const bare = !message.text && !hasFiles && message.kind !== "location" && message.kind !== "contacts";
  return (
    <>
      {message.attachments.map((attachment) => <AttachmentView key={attachment.id} attachment={attachment} />)}
      {message.kind === "location" && <LocationCard data={message.data} />}
      {message.kind === "contacts" && <ContactCards data={message.data} />}
      {message.kind === "unsupported" && !contextOf(message).poll && <p className="deleted">{t("message.unsupported")}</p>}
      {bare && message.kind !== "unsupported" && <p className="deleted">{t(`kind.${message.kind}`)}</p>}
      {message.text && <RichText text={message.text} />}
    </>
  );
}
