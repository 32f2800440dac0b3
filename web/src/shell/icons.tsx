// The pictures of the navigation, drawn with lines in the colour of the text. They never carry meaning alone.
import type { ReactNode } from "react";

function Line({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8"
      strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const InboxIcon = () => <Line><path d="M4 5h16v11H11l-5 4v-4H4z" /></Line>;
export const ShopIcon = () => <Line><path d="M4 10v10h16V10M3 10l2-6h14l2 6a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0Z" /></Line>;
export const GearIcon = () => <Line><path d="M4 7h9m5 0h2M4 17h2m5 0h9" /><circle cx="15.500" cy="7" r="2.500" /><circle cx="8.500" cy="17" r="2.500" /></Line>;
export const FindIcon = () => <Line><circle cx="11" cy="11" r="6.500" /><path d="m16 16 4.500 4.500" /></Line>;
