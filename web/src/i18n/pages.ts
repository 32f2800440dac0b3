// Brings the words of the pages beside the inbox; imported by those pages, for its effect, before they are drawn.
import { enPages } from "./en_pages";
import { ruPages } from "./ru_pages";
import { addWords } from "./text";

addWords({ en: enPages, ru: ruPages });
