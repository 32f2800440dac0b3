// The Russian words that come with the page.
import { ru } from "./ru";
import { ruFiles } from "./ru_files";

export const firstRu = { ...ru, ...ruFiles };
