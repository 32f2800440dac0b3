// The few pictures inside the primitives. They carry no meaning alone, and the ones with a direction turn with the text.
const line = {
  width: 16, height: 16, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 2,
  strokeLinecap: "round", strokeLinejoin: "round", "aria-hidden": true, focusable: false,
} as const;

export const CrossIcon = () => <svg className="icon" {...line}><path d="m6 6 12 12M18 6 6 18" /></svg>;
export const TickIcon = () => <svg className="icon" {...line}><path d="m5 12.500 4.500 4.500L19 7.500" /></svg>;
export const ChevronIcon = () => <svg className="icon" {...line}><path d="m6 9.500 6 6 6-6" /></svg>;
export const BackIcon = () => <svg className="icon ui-turns" {...line}><path d="m14.500 5-7 7 7 7" /></svg>;
export const WarnIcon = () => <svg className="icon" {...line}><path d="M12 4 2.500 20h19zM12 10v4.500M12 17.500v.1" /></svg>;
export const SortIcon = ({ order }: { order: "ascending" | "descending" | null }) => (
  <svg className="icon" {...line}><path d={order === "ascending" ? "m6 14.500 6-6 6 6" : order === "descending" ? "m6 9.500 6 6 6-6" : "m8 9.500 4-4 4 4M8 14.500l4 4 4-4"} /></svg>
);
