// The servers of the installation: which run, in what version, how they are, and whether they reach each other. For
// administrators of the platform.
import { useCallback } from "react";
import { useText } from "../hooks/app";
import type { NodeView } from "../api.gen";
import type { Key } from "../i18n/text";
import { EmptyState } from "../ui/States";
import { useCalls, useData } from "./data";
import { DataView, Freshness, PageHead } from "./Parts";

const everyMs = 5_000;
/** A difference between clocks that is worth a word: leases and schedules go by them. */
const someSkewMs = 1_000;

export function NodesPage() {
  const t = useText();
  const calls = useCalls();
  const data = useData(useCallback(() => calls.nodes(), [calls]), everyMs);
  return (
    <>
      <PageHead title={t("page.nodes")} hint={t("page.nodesHint")}><Freshness data={data} /></PageHead>
      <DataView data={data} isEmpty={(nodes) => nodes.length === 0} empty={<EmptyState title={t("nodes.none")} hint={t("nodes.noneHint")} />}>
        {(nodes) => (
          <>
            {nodes.some((node) => node.is_other_version) && <p className="form-problem" data-testid="nodes-versions">{t("nodes.otherVersions")}</p>}
            <ul className="rows" data-testid="nodes">
              {nodes.map((node) => <Line key={node.id} node={node} />)}
            </ul>
          </>
        )}
      </DataView>
    </>
  );
}

function Line({ node }: { node: NodeView }) {
  const t = useText();
  const problem = problemOf(node);
  const trip = node.round_trip_us === null || node.round_trip_us === undefined ? null : t.number(node.round_trip_us / 1000);
  const skewS = Math.abs(node.skew_ms) >= someSkewMs ? t.number(node.skew_ms / 1000) : null;
  return (
    <li className="log-line" data-testid="node-line" data-node={node.id} data-state={node.state}>
      <p className="rows-line">
        <strong dir="auto">{node.name}</strong>
        <span className="tag" data-state={node.state}>{t(`nodes.state.${node.state}`)}</span>
        <span className="rows-more">
          <span dir="ltr">{node.address}</span>{node.is_this && <> · {t("nodes.this")}</>}
        </span>
      </p>
      {problem && <p className="form-problem">{t(problem, { time: t.wait(node.silent_ms / 1000) })}</p>}
      {skewS && <p className="form-problem">{t("nodes.skew", { seconds: skewS })}</p>}
      <p className="card-note">
        {t("nodes.version", { version: node.version })}{node.is_other_version && <> ({t("nodes.otherVersion")})</>}
        {" · "}{t("nodes.started", { time: t.full(node.started_at) })}
        {node.state !== "silent" && <>{" · "}{t("nodes.sessions", { count: node.sessions })}{" · "}{t(`nodes.bus.${node.bus}`, { ms: trip ?? "" })}</>}
      </p>
    </li>
  );
}

function problemOf({ state, reason }: NodeView): Key | null {
  if (state === "silent") return "nodes.silentFor";
  return state === "not_ready" && reason ? `nodes.reason.${reason}` : null;
}
