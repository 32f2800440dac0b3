// The search field over the list. The arrows choose among what was found, Enter opens it, Esc clears the field.
import { useEffect, type KeyboardEvent } from "react";
import { useApp, usePick, useText } from "../hooks/app";
import { composing } from "../hooks/composing";
import { searchId } from "../hooks/places";
import { results } from "../state/search";
import { CloseIcon, SearchIcon } from "./Icons";

export const resultsId = "search-results";
export const resultId = (index: number) => `${resultsId}-${index}`;

interface Props {
  /** Which result is chosen. */
  chosen: number;
  onChoose: (index: number) => void;
}

export function SearchField({ chosen, onChoose }: Props) {
  const t = useText();
  const { search, router } = useApp();
  const found = usePick((state) => state.search);
  const { text, phase } = found;
  const all = results(found);

  useEffect(() => {
    document.getElementById(resultId(chosen))?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  function onKeyDown(event: KeyboardEvent) {
    if (composing(event)) {
      // The browser itself clears a search field at Escape, also at one that only ended a composition.
      if (event.key === "Escape") event.preventDefault();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const one = all[chosen];
    if (event.key === "Escape" && text !== "") search.clear();
    else if (step !== undefined && all.length > 0) onChoose((chosen + step + all.length) % all.length);
    // What stands there while the answer is under way was found for other words.
    else if (event.key === "Enter" && phase !== "ready") search.again();
    else if (event.key === "Enter" && one) router.follow(one.address);
    else return;
    event.preventDefault();
  }

  return (
    <div className="search">
      <SearchIcon />
      <input
        id={searchId} type="search" value={text} placeholder={t("list.search")} aria-label={t("list.search")}
        role="combobox" aria-autocomplete="list" aria-expanded={text.trim() !== ""} aria-controls={resultsId}
        aria-activedescendant={all[chosen] ? resultId(chosen) : undefined} autoComplete="off" spellCheck={false}
        data-testid="search" onChange={(event) => search.type(event.target.value)} onKeyDown={onKeyDown}
      />
      {text && (
        <button type="button" className="quiet square" aria-label={t("list.clear")} onClick={() => {
          search.clear();
          document.getElementById(searchId)?.focus();
        }}>
          <CloseIcon />
        </button>
      )}
    </div>
  );
}
