// The side of the inbox: what is searched for, or the list of a view.
import { memo, useState } from "react";
import { usePick } from "../hooks/app";
import { ConversationList } from "./ConversationList";
import { DroppedNote } from "./DroppedNote";
import { Filters } from "./Filters";
import { NotLive } from "./NotLive";
import { SearchField } from "./SearchField";
import { SearchResults } from "./SearchResults";

export const Side = memo(function Side() {
  const text = usePick((state) => state.search.text);
  // A choice is of the words that it was made under: other words begin at the top.
  const [choice, setChoice] = useState({ text, index: 0 });
  const chosen = choice.text === text ? choice.index : 0;
  const searching = text.trim() !== "";
  return (
    <>
      <SearchField chosen={chosen} onChoose={(index) => setChoice({ text, index })} />
      {searching ? <SearchResults chosen={chosen} /> : (
        <>
          <Filters />
          <DroppedNote />
          <NotLive />
          <ConversationList />
        </>
      )}
    </>
  );
});
