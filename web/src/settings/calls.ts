// The operations that only the settings pages use, each with what it takes and gives. Types are the server's.
import type {
  AppPatch, Apps, Attribute, AttributeBody, Attributes, Label, LabelBody, LabelRemoved, Labels, Begun, Card, ChannelKinds, ChannelPatch, ChannelView, Choices, Choose, CompanyView, CountsAnswer, DeadAnswer, HealthPage, Lead, Leads,
  Link, LinkPatch, Links, LogPage,
  NewApp, NewChannel, NewCompany, NewLink, NewSignIn, Nodes, NodeView, NoticeTexts, PrivacyNotice, ProviderAppView, Replayed,
} from "../api.gen";
import type { App } from "../app";
import { params } from "../services/params";

export type Calls = ReturnType<typeof callsOf>;

export const callsOf = (request: App["request"]) => ({
  kinds: () => request<ChannelKinds>("GET", "/api/v1/channels/kinds").then(({ kinds }) => kinds),
  beginSignIn: (signIn: NewSignIn) => request<Begun>("POST", "/api/v1/sign-ins", signIn),
  finishSignIn: (state: string, code: string) => request<Choices>("POST", "/api/v1/sign-ins/finish", { state, code }),
  chooseAccount: (choice: Choose) => request<ChannelView>("POST", "/api/v1/sign-ins/choose", choice),
  apps: () => request<Apps>("GET", "/api/v1/apps"),
  nodes: (): Promise<NodeView[]> => request<Nodes>("GET", "/api/v1/nodes").then(({ nodes }) => nodes),
  makeApp: (app: NewApp) => request<ProviderAppView>("POST", "/api/v1/apps", app),
  changeApp: (patch: AppPatch) => request<ProviderAppView>("PATCH", "/api/v1/apps", patch),
  makeChannel: (channel: NewChannel) => request<ChannelView>("POST", "/api/v1/channels", channel),
  changeChannel: (id: string, patch: ChannelPatch) => request<ChannelView>("PATCH", `/api/v1/channels/${id}`, patch),
  connectChannel: (id: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/connect`),
  disconnectChannel: (id: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/disconnect`),
  pair: (id: string, phone: string | null) => request<void>("POST", `/api/v1/channels/${id}/pair`, { phone }),
  moveChannel: (id: string, company: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/move`, { company }),
  channelHealth: (id: string, before: string | null) => request<HealthPage>("GET", `/api/v1/channels/${id}/health?${params({ before })}`),
  makeCompany: (company: NewCompany) => request<CompanyView>("POST", "/api/v1/companies", company),
  labels: (tenant: string): Promise<Label[]> => request<Labels>("GET", `/api/v1/labels?${params({ tenant })}`).then(({ labels }) => labels),
  putLabel: (label: LabelBody) => request<Label>("POST", "/api/v1/labels", label),
  removeLabel: (tenant: string, label: string) => request<LabelRemoved>("DELETE", "/api/v1/labels", { tenant, label }),
  attributes: (tenant: string): Promise<Attribute[]> =>
    request<Attributes>("GET", `/api/v1/attributes?${params({ tenant })}`).then(({ attributes }) => attributes),
  putAttribute: (attribute: AttributeBody) => request<Attribute>("POST", "/api/v1/attributes", attribute),
  setCountry: (company: string, country: string | null) => request<CompanyView>("PATCH", `/api/v1/companies/${company}`, { country }),
  notice: (company: string) => request<PrivacyNotice>("GET", `/api/v1/companies/${company}/privacy-notice`),
  setNotice: (company: string, texts: NoticeTexts) => request<PrivacyNotice>("POST", `/api/v1/companies/${company}/privacy-notice`, texts),
  counts: (tenant: string) => request<CountsAnswer>("GET", `/api/v1/inbox/counts?${params({ tenant })}`).then(({ counts }) => counts),
  log: (tenant: string, channel: string | null, before: string | null) =>
    request<LogPage>("GET", `/api/v1/integration-log?${params({ tenant, channel, before })}`),
  replay: (entry: string) => request<Replayed>("POST", `/api/v1/integration-log/${entry}/replay`),
  links: (tenant: string) => request<Links>("GET", `/api/v1/links?${params({ tenant, limit: "500" })}`),
  makeLink: (link: NewLink) => request<Link>("POST", "/api/v1/links", link),
  changeLink: (id: string, patch: LinkPatch) => request<Link>("PATCH", `/api/v1/links/${id}`, patch),
  removeLink: (id: string) => request<void>("DELETE", `/api/v1/links/${id}`),
  contact: (id: string) => request<Card>("GET", `/api/v1/contacts/${id}`),
  leads: (tenant: string, before: string | null): Promise<Lead[]> =>
    request<Leads>("GET", `/api/v1/leads?${params({ tenant, before })}`).then(({ leads }) => leads),
  deadJobs: (tenant: string, before: string | null) =>
    request<DeadAnswer>("GET", `/api/v1/jobs/dead?${params({ tenant, before })}`).then(({ jobs }) => jobs),
  retryJob: (job: string) => request<void>("POST", `/api/v1/jobs/${job}/retry`),
  forgetJob: (job: string) => request<void>("DELETE", `/api/v1/jobs/${job}`),
});
