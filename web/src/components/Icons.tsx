// All pictures of the page, drawn with lines in the colour of the text. They never carry meaning alone.
import type { ReactNode } from "react";

function Line({ children, size = 18 }: { children: ReactNode; size?: number }) {
  return (
    <svg
      className="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor"
      strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false"
    >
      {children}
    </svg>
  );
}

export const Mark = () => (
  <svg className="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="9" />
    <path d="M9 8v16M23 8v16M9 16c3-4 5 4 7 0s4 4 7 0" />
  </svg>
);

export const SearchIcon = () => <Line><circle cx="11" cy="11" r="6.5" /><path d="m16 16 4.5 4.5" /></Line>;
export const CloseIcon = () => <Line><path d="m6 6 12 12M18 6 6 18" /></Line>;
export const BackIcon = () => <Line size={22}><path d="m14.5 5-7 7 7 7" /></Line>;
export const DoneIcon = () => <Line><path d="m5 12.5 4.500 4.500L19 7.500" /></Line>;
export const ReopenIcon = () => <Line><path d="M4 12a8 8 0 1 0 2.500-5.800M4 4v4.500h4.500" /></Line>;
export const DownIcon = () => <Line><path d="M12 5v14M6 13l6 6 6-6" /></Line>;
export const SendIcon = () => <Line size={20}><path d="M5 12 4 4l17 8-17 8 1-8Zm0 0h8" /></Line>;
export const AttachIcon = () => <Line size={20}><path d="m20 11-8.500 8.500a5 5 0 0 1-7-7L13 4a3.400 3.400 0 0 1 4.800 4.800l-8.500 8.500a1.700 1.700 0 0 1-2.400-2.400L14.500 7.500" /></Line>;
export const MicrophoneIcon = () => <Line size={20}><rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5 11a7 7 0 0 0 14 0M12 18v3" /></Line>;
export const StopIcon = () => <Line size={20}><rect x="6" y="6" width="12" height="12" rx="2" /></Line>;
export const NoteIcon = () => <Line><path d="M5 4h14v11l-5 5H5zM14 20v-5h5" /></Line>;
export const ReplyIcon = () => <Line size={16}><path d="M10 6 4 12l6 6M4 12h9c4 0 7 2 7 6" /></Line>;
export const SmileIcon = () => (
  <Line size={16}><circle cx="12" cy="12" r="8.500" /><path d="M8.500 14c1 1.700 2.200 2.500 3.500 2.500s2.500-.8 3.500-2.500M9 9.500v.2M15 9.500v.2" /></Line>
);
export const CopyIcon = () => (
  <Line size={16}><rect x="8" y="8" width="12" height="12" rx="2" /><path d="M16 8V4H4v12h4" /></Line>
);
export const SparkIcon = ({ size = 16 }: { size?: number }) => (
  <Line size={size}><path d="M12 3c.6 5 3.5 8 9 9-5.500 1-8.400 4-9 9-.6-5-3.500-8-9-9 5.500-1 8.400-4 9-9Z" /></Line>
);
export const PersonIcon = ({ size = 16 }: { size?: number }) => (
  <Line size={size}><circle cx="12" cy="8" r="4" /><path d="M4.500 20.500c1-4 4-6 7.500-6s6.500 2 7.500 6" /></Line>
);
export const AssignIcon = ({ size = 16 }: { size?: number }) => (
  <Line size={size}><circle cx="10" cy="8" r="4" /><path d="M2.500 20.500c1-4 4-6 7.500-6 2 0 3.800.6 5.200 1.900M16 19h6M19 16v6" /></Line>
);
export const WaitIcon = ({ size = 16 }: { size?: number }) => (
  <Line size={size}><path d="M12 4v9M12 17.500v1.500" /></Line>
);
export const FileIcon = () => <Line size={22}><path d="M6 3h8l5 5v13H6zM14 3v5h5" /></Line>;
export const PinIcon = () => (
  <Line size={22}><path d="M12 21c-4-5-6.500-8-6.500-11.500a6.500 6.500 0 0 1 13 0C18.500 13 16 16 12 21Z" /><circle cx="12" cy="9.500" r="2.200" /></Line>
);
export const DownloadIcon = () => <Line><path d="M12 4v11M7 11l5 5 5-5M5 20h14" /></Line>;
export const BubbleIcon = () => <Line size={40}><path d="M4 5h16v11H11l-5 4v-4H4z" /></Line>;

const phone = "M6 18l.9-3A6 6 0 1 1 9.300 17.300zM9.700 8.800c-.6 1.600 2 5 4.200 5.400.8.100 1.500-.5 1.500-1.200l-1.600-.9-.9.700c-.8-.3-1.700-1.200-2-2l.7-.8-.7-1.700c-.5-.1-1 .1-1.200.5Z";
const channels: Record<string, string> = {
  telegram: "m5 12 13-5.500-2.300 11.500-4-3-2.200 2-.5-3.700L16 8.500l-9 5z",
  waha: phone,
  "whatsapp-cloud": phone,
  messenger: "M12 5.500c-4 0-7 2.700-7 6.200 0 2 1 3.700 2.600 4.900V19l2.300-1.300c.7.200 1.400.3 2.100.3 4 0 7-2.800 7-6.300s-3-6.200-7-6.200Z",
  instagram: "M9 6h6a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H9a3 3 0 0 1-3-3V9a3 3 0 0 1 3-3Zm3 3.300a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400Z",
  gmail: "M6 8h12v8.500H6zM6 8.500l6 4.500 6-4.500",
};

export function ChannelIcon({ kind }: { kind: string }) {
  return (
    <svg className={`channel-icon channel-${kind}`} viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
      <circle cx="12" cy="12" r="12" />
      <path d={(Object.hasOwn(channels, kind) && channels[kind]) || "M6 8h12v7h-7l-3 3v-3H6z"} />
    </svg>
  );
}
