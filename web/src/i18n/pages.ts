// Brings the words of the pages beside the inbox; imported by those pages, for its effect, before they are drawn.
import { enConnect } from "./en_connect";
import { enPages } from "./en_pages";
import { enSources } from "./en_sources";
import "./rules";
import { ruConnect } from "./ru_connect";
import { ruPages } from "./ru_pages";
import { ruSources } from "./ru_sources";
import { addWords } from "./text";

addWords({ en: { ...enPages, ...enConnect, ...enSources }, ru: { ...ruPages, ...ruConnect, ...ruSources } });
