// Text as it was written, with web addresses made into links. Nothing else of it is interpreted.
import { Fragment } from "react";

const address = /(https?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]}])/g;

export function RichText({ text }: { text: string }) {
  return (
    <p className="text" dir="auto">
      {text.split(address).map((part, index) =>
        index % 2 === 1
          ? <a key={index} href={part} target="_blank" rel="noopener noreferrer nofollow">{part}</a>
          : <Fragment key={index}>{part}</Fragment>)}
    </p>
  );
}
