// Brings the words of templates, opt-outs and notices; imported for its effect by what shows them.
import { enRules } from "./en_rules";
import { ruRules } from "./ru_rules";
import { addWords } from "./text";

addWords({ en: enRules, ru: ruRules });
