// Holds wire.ts against the server's own description (api.gen.ts), at `npm run check`. There is nothing in it to run.
//
// For each pair: the same fields; what the page takes for possible is possible; what may be null is known to be; and an
// enumeration has no value that the page has not heard of. Where the server says `string` the page may know better.
import type { components } from "./api.gen";
import type * as wire from "./wire";

type Server = components["schemas"];

/** The fields in which two types differ, by name only. */
type Fields<A, B> = Exclude<keyof A, keyof B> | Exclude<keyof B, keyof A>;
/** Values without parts; those with parts have lines of their own below. */
type Plain<T> = Extract<T, string | number | boolean | null>;
/** The fields of the page's type whose values the server's type does not have. */
type Foreign<Page, Said> = {
  [K in keyof Page & keyof Said]: Plain<Page[K]> extends Plain<Said[K]> ? never : K;
}[keyof Page & keyof Said];
/** The fields that the server may leave null and the page does not expect to be. */
type Null<Page, Said> = {
  [K in keyof Page & keyof Said]: null extends Said[K] ? (null extends Page[K] ? never : K) : never;
}[keyof Page & keyof Said];

type Differences<Page, Said> = Fields<Page, Said> | Foreign<Page, Said> | Null<Page, Said>;
/** Nothing differs but what is left out. A failing line names the fields. */
type Same<Page, Said, Left extends string = never> =
  [Exclude<Differences<Page, Said>, Left>] extends [never] ? true : Exclude<Differences<Page, Said>, Left>;
/** Both enumerations have the same values. */
type SameWords<Page, Said> = [Exclude<Page, Said> | Exclude<Said, Page>] extends [never] ? true : Exclude<Said, Page> | Exclude<Page, Said>;

export type Checked = [
  Holds<Same<wire.User, Server["User"]>>,
  Holds<Same<wire.Tenant, Server["TenantRole"]>>,
  Holds<Same<wire.Author, Server["Author"]>>,
  Holds<Same<wire.Attachment, Server["Attachment"]>>,
  Holds<Same<wire.Turn, Server["Turn"]>>,
  Holds<Same<wire.LastMessage, Server["LastMessage"]>>,
  Holds<Same<wire.Conversation, Server["Conversation"]>>,
  Holds<Same<wire.Conversation["contact"], Server["Contact"]>>,
  Holds<Same<wire.ReadMark, Server["ReadMark"]>>,
  Holds<Same<wire.InboxItem, Server["InboxItem"]>>,
  Holds<Same<wire.Message, Server["Message"]>>,
  Holds<Same<wire.Message["reactions"][number], Server["Reaction"]>>,
  Holds<Same<NonNullable<wire.Message["error"]>, Server["MessageError"]>>,
  // The page leaves out what only administrators see.
  Holds<Same<wire.Channel, Server["ChannelView"], "hook_path" | "settings">>,
  Holds<Same<NonNullable<wire.Channel["health"]>, Server["ChannelHealth"]>>,
  // The page does not tell a product from a service.
  Holds<Same<wire.Company, Server["CompanyView"], "kind">>,
  Holds<Same<wire.Colleague, Server["Person"]>>,
  // The cursor is added by the log.
  Holds<Same<wire.Event, Server["EventBody"], "cursor">>,
  Holds<Same<NonNullable<wire.Event["read"]>, Server["ReadEvent"]>>,
  Holds<Same<wire.Position, Server["Position"]>>,
  Holds<Same<wire.Standing, Server["Standing"]>>,
  Holds<Same<wire.Moved, Server["Moved"]>>,
  Holds<Same<wire.Counts, Server["Counts"]>>,
  Holds<Same<wire.CountsAnswer, Server["CountsAnswer"]>>,
  Holds<Same<wire.FoundContact, Server["FoundContact"]>>,
  Holds<Same<wire.InboxPage, Server["InboxAnswer"]>>,
  Holds<Same<wire.MessagePage, Server["MessagesAnswer"]>>,
  Holds<Same<wire.Session, Server["Session"]>>,
  // It is left out rather than null.
  Holds<Same<wire.Problem, Server["Problem"], "field">>,
  // No person has the role of the AI.
  Holds<SameWords<wire.Role | "responder", Server["Role"]>>,
  Holds<SameWords<wire.Permission, Server["Permission"]>>,
  Holds<SameWords<wire.Owner, Server["Owner"]>>,
  Holds<SameWords<wire.Conversation["state"], Server["ConversationState"]>>,
  Holds<SameWords<wire.Bucket, Server["Bucket"]>>,
  Holds<SameWords<wire.Direction, Server["Direction"]>>,
  Holds<SameWords<wire.MessageKind, Server["MessageKind"]>>,
  Holds<SameWords<wire.MessageStatus, Server["MessageStatus"]>>,
  Holds<SameWords<wire.Author["kind"], Server["AuthorKind"]>>,
  Holds<SameWords<wire.Attachment["state"], Server["AttachmentState"]>>,
  Holds<SameWords<wire.Turn["state"], Server["TurnState"]>>,
  Holds<SameWords<wire.Channel["state"], Server["ChannelState"]>>,
  Holds<SameWords<wire.EventKind, Server["EventKind"]>>,
  Holds<SameWords<wire.User["platform_role"], Server["PlatformRole"] | null>>,
];

type Holds<T extends true> = T;
