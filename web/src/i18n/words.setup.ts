// The tests speak all languages; the page loads the one that its reader has.
import { bringWords } from "./text";

await bringWords("ru");
