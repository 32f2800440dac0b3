// The list of a view: live, in the chosen order, older pages as one scrolls; only rows in view are drawn. Knows its
// empty, loading and failed states.
import { Fragment, memo, useCallback, useEffect, useRef, useState, type FocusEvent, type KeyboardEvent } from "react";
import { flushSync } from "react-dom";
import { useApp, useNow, usePick, useText } from "../hooks/app";
import { composing } from "../hooks/composing";
import { useVirtualRows } from "../hooks/virtual";
import { currentList } from "../state/lists";
import { ConversationRow } from "./ConversationRow";
import { Empty } from "./Empty";
import { BubbleIcon } from "./Icons";
import { Skeleton } from "./Skeleton";

/** What is looked at is kept in its place here, not by the browser; and the list moves nothing around it. */
const apart = { overflowAnchor: "none", contain: "layout paint" } as const;
const noIds: readonly string[] = [];
/** The next page is asked for so many rows before the end. */
const early = 12;
const seenStep = 50;
const pageRows = 10;

export const ConversationList = memo(function ConversationList() {
  const t = useText();
  const { loader, store } = useApp();
  const ids = usePick((state) => currentList(state)?.ids ?? noIds);
  const filter = usePick((state) => state.filter);
  const phase = usePick((state) => currentList(state)?.phase ?? "idle");
  const next = usePick((state) => currentList(state)?.next ?? null);
  const error = usePick((state) => currentList(state)?.error ?? null);
  const total = usePick((state) => (state.filter.label === null ? (state.counters.values?.[state.filter.view] ?? null) : null));
  const active = usePick((state) => state.active);
  const now = useNow(30_000);
  const byWait = filter.sort === "wait";
  const [focused, setFocused] = useState<string | null>(null);
  const { box, rows, rest, last, onScroll, onUse, measure, reveal } = useVirtualRows(ids, [focused, active]);

  // Another list begins at its top.
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [filter, box]);

  useEffect(() => {
    if (phase === "ready" && next !== null && last + early >= ids.length) void loader.more();
  }, [loader, phase, next, last, ids.length]);

  // What is far below is not kept: the state knows how far somebody looks.
  const depth = last - (last % seenStep);
  useEffect(() => store.apply({ type: "list.seen", depth }), [store, depth, filter]);

  // The row of a conversation that the keyboard opened comes into view; a later move of it does not scroll the list.
  const shown = useRef(active);
  useEffect(() => {
    if (shown.current === active) return;
    shown.current = active;
    if (active !== null) reveal(ids.indexOf(active));
  }, [active, ids, reveal]);

  const focusRow = useCallback((at: number) => {
    const id = ids[Math.min(ids.length - 1, Math.max(0, at))];
    if (id === undefined) return;
    flushSync(() => {
      setFocused(id);
      reveal(ids.indexOf(id));
    });
    box.current?.querySelector<HTMLElement>(`[data-conversation-id="${id}"]`)?.focus({ preventScroll: true });
  }, [ids, reveal, box]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (focused === null || event.ctrlKey || event.metaKey || event.altKey || composing(event)) return;
    const at = ids.indexOf(focused);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + pageRows, PageUp: at - pageRows, Home: 0, End: ids.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    focusRow(to);
  };
  const onFocus = (event: FocusEvent) =>
    setFocused((event.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset["row"] ?? null);

  const retry = () => void (next === null ? loader.show() : loader.more());
  const empty = ids.length === 0;
  const size = total ?? (next === null ? ids.length : -1);
  return (
    <div className="list" data-testid="conversation-list" data-phase={phase} data-rows={ids.length} ref={box}
      style={apart} onScroll={onScroll} onWheel={onUse} onPointerDown={onUse} onTouchMove={onUse} onKeyDownCapture={onUse} onKeyDown={onKeyDown} onFocus={onFocus} onBlur={() => setFocused(null)}>
      <ul aria-label={t("list.title")}>
        {rows.map(({ id, at, gap }) => (
          <Fragment key={id}>
            {gap > 0 && <li aria-hidden="true" style={{ height: gap }} />}
            <li aria-posinset={at + 1} aria-setsize={size} data-row={id} ref={measure}>
              <ConversationRow id={id} now={now} byWait={byWait} />
            </li>
          </Fragment>
        ))}
        {rest > 0 && <li aria-hidden="true" style={{ height: rest }} />}
      </ul>
      {(phase === "loading" || phase === "idle") && (empty ? <Skeleton /> : next !== null && <p className="list-more">{t("list.more")}</p>)}
      {phase === "error" && (
        <Empty alert title={t("list.failed")} hint={error || undefined}
          action={<button type="button" onClick={retry}>{t("try.again")}</button>} />
      )}
      {phase === "ready" && empty && next === null && nothing()}
      <div className="list-end" />
    </div>
  );

  function nothing() {
    const { view, tenant, company, channel, label } = filter;
    if (view !== "all" || tenant || company || channel || label) return <Empty title={t("list.none")} hint={t("list.noneHint")} />;
    return <Empty icon={<BubbleIcon />} title={t("list.empty")} hint={t("list.emptyHint")} />;
  }
});
