// What Chromium's trace says of the page's main thread.

/** The thread on which the page's events were measured, or the busiest one of a renderer. */
function mainThread(trace) {
  const names = trace.filter((one) => one.name === "thread_name" && one.args?.name === "CrRendererMain");
  const busy = (thread) => tasks(trace, thread).reduce((sum, one) => sum + one.dur, 0);
  return names.map(({ pid, tid }) => ({ pid, tid })).sort((a, b) => busy(b) - busy(a))[0];
}

function tasks(trace, { pid, tid }) {
  return trace.filter((one) => one.pid === pid && one.tid === tid && one.ph === "X" && one.dur > 0
    && (one.name === "RunTask" || one.name === "ThreadControllerImpl::RunTask"));
}

/** By the clock, and what of it the thread had the processor: on a busy machine these are far apart. */
export function longestTask(trace) {
  const all = tasks(trace, mainThread(trace));
  const most = (values) => Math.max(0, ...values).toFixed(1);
  const long = all.filter((one) => one.dur > 50_000).length;
  return `${most(all.map((one) => one.dur / 1000))} ms, of the processor ${most(all.map((one) => (one.tdur ?? one.dur) / 1000))} ms; over 50 ms: ${long}`;
}

/** How much of the time the main thread has something to do. */
export function share(trace) {
  // The two names are of one task, one inside the other.
  const all = tasks(trace, mainThread(trace)).sort((a, b) => a.ts - b.ts);
  const from = all[0]?.ts ?? 0;
  let [clock, processor, end] = [0, 0, from];
  for (const { ts, dur, tdur } of all) {
    if (ts + dur <= end) continue;
    clock += dur;
    processor += tdur ?? dur;
    end = ts + dur;
  }
  const part = (sum) => `${((sum / (end - from)) * 100).toFixed(0)} %`;
  return `${part(clock)}, of the processor ${part(processor)}`;
}

/** The page measures each event of the feed by User Timing: "hubbub.event". */
export function eventCosts(trace) {
  const begun = new Map();
  const costs = [];
  for (const { name, ph, ts, id, id2, cat } of trace) {
    if (name !== "hubbub.event" || !cat.includes("user_timing")) continue;
    const key = id2?.local ?? id;
    if (ph === "b") begun.set(key, ts);
    else if (ph === "e" && begun.has(key)) costs.push((ts - begun.get(key)) / 1000);
  }
  return costs;
}
