// The operations that only the settings pages use, each with what it takes and gives. Types are the server's.
import type {
  ChannelPatch, ChannelView, CompanyView, CountsAnswer, DeadAnswer, HealthPage, LogPage, NewChannel, NewCompany, Replayed,
} from "../api.gen";
import type { App } from "../app";
import { params } from "../services/params";

export type Calls = ReturnType<typeof callsOf>;

export const callsOf = (request: App["request"]) => ({
  makeChannel: (channel: NewChannel) => request<ChannelView>("POST", "/api/v1/channels", channel),
  changeChannel: (id: string, patch: ChannelPatch) => request<ChannelView>("PATCH", `/api/v1/channels/${id}`, patch),
  connectChannel: (id: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/connect`),
  disconnectChannel: (id: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/disconnect`),
  pairChannel: (id: string, phone: string | null) => request<object>("POST", `/api/v1/channels/${id}/pair`, phone === null ? {} : { phone }),
  moveChannel: (id: string, company: string) => request<ChannelView>("POST", `/api/v1/channels/${id}/move`, { company }),
  channelHealth: (id: string, before: string | null) => request<HealthPage>("GET", `/api/v1/channels/${id}/health?${params({ before })}`),
  makeCompany: (company: NewCompany) => request<CompanyView>("POST", "/api/v1/companies", company),
  counts: (tenant: string) => request<CountsAnswer>("GET", `/api/v1/inbox/counts?${params({ tenant })}`).then(({ counts }) => counts),
  log: (tenant: string, channel: string | null, before: string | null) =>
    request<LogPage>("GET", `/api/v1/integration-log?${params({ tenant, channel, before })}`),
  replay: (entry: string) => request<Replayed>("POST", `/api/v1/integration-log/${entry}/replay`),
  deadJobs: (tenant: string, before: string | null) =>
    request<DeadAnswer>("GET", `/api/v1/jobs/dead?${params({ tenant, before })}`).then(({ jobs }) => jobs),
  retryJob: (job: string) => request<void>("POST", `/api/v1/jobs/${job}/retry`),
  forgetJob: (job: string) => request<void>("DELETE", `/api/v1/jobs/${job}`),
});
