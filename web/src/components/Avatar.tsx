// The initials of a person in a colour of their own, with the channel in the corner.
import { memo } from "react";
import { ChannelIcon } from "./Icons";

const hues = 8;

export const Avatar = memo(function Avatar({ id, name, channel }: { id: string; name: string; channel?: string }) {
  return (
    <span className={`avatar hue-${hue(id)}`} aria-hidden="true">
      {initials(name)}
      {channel && <ChannelIcon kind={channel} />}
    </span>
  );
});

function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N} ]/gu, "").split(" ").filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  const text = letters.map((word) => Array.from(word ?? "")[0] ?? "").join("");
  return /^\p{L}/u.test(text) ? text.toLocaleUpperCase() : "#";
}

function hue(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return sum % hues;
}
