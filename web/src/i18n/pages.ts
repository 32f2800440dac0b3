// Brings the words of the pages beside the inbox; imported by those pages, for its effect, before they are drawn.
import { enConnect } from "./en_connect";
import { enPages } from "./en_pages";
import "./rules";
import { ruConnect } from "./ru_connect";
import { ruPages } from "./ru_pages";
import { addWords } from "./text";

addWords({ en: { ...enPages, ...enConnect }, ru: { ...ruPages, ...ruConnect } });
