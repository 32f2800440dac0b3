// Brings the words about customers; imported by what shows them, for its effect.
import { enPeople } from "./en_people";
import { ruPeople } from "./ru_people";
import { addWords } from "./text";

addWords({ en: enPeople, ru: ruPeople });
