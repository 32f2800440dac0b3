// The operations that the settings pages use, each with what it takes and gives. Types are the server's.
import type {
  ChannelPatch, HealthPage, ChannelView, CompanyView, CountsAnswer, DeadAnswer, LogPage, NewChannel, NewCompany, People, Replayed,
} from "../api.gen";
import type { App } from "../app";

export type Calls = ReturnType<typeof callsOf>;

export const callsOf = (request: App["request"]) => ({
  channels: () => request<{ channels: ChannelView[] }>("GET", "/api/v1/channels").then(({ channels }) => channels),
  makeChannel: (channel: NewChannel) => request<ChannelView>("POST", "/api/v1/channels", channel),
  changeChannel: (id: string, patch: ChannelPatch) => request<ChannelView>("PATCH", `/api/v1/channels/${id}`, patch),
  connectChannel: (id: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/connect`),
  disconnectChannel: (id: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/disconnect`),
  channelHealth: (id: string, before: string | null) => request<HealthPage>("GET", `/api/v1/channels/${id}/health?${given({ before })}`),
  companies: () => request<{ companies: CompanyView[] }>("GET", "/api/v1/companies").then(({ companies }) => companies),
  makeCompany: (company: NewCompany) => request<CompanyView>("POST", "/api/v1/companies", company),
  people: (tenant: string) => request<People>("GET", `/api/v1/users?tenant=${tenant}`).then(({ users }) => users),
  counts: (tenant: string) => request<CountsAnswer>("GET", `/api/v1/inbox/counts?tenant=${tenant}`).then(({ counts }) => counts),
  log: (tenant: string, channel: string | null, before: string | null) =>
    request<LogPage>("GET", `/api/v1/integration-log?${given({ tenant, channel, before })}`),
  replay: (entry: string) => request<Replayed>("POST", `/api/v1/integration-log/${entry}/replay`),
  deadJobs: (tenant: string, before: string | null) =>
    request<DeadAnswer>("GET", `/api/v1/jobs/dead?${given({ tenant, before })}`).then(({ jobs }) => jobs),
  retryJob: (job: string) => request<void>("POST", `/api/v1/jobs/${job}/retry`),
  forgetJob: (job: string) => request<void>("DELETE", `/api/v1/jobs/${job}`),
});

function given(params: Record<string, string | null>): URLSearchParams {
  return new URLSearchParams(Object.entries(params).filter((pair): pair is [string, string] => pair[1] !== null));
}
