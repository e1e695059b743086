// What stands in small print: notes on an answer or a search.

import { make } from "./dom.js";
import { isolated } from "./passage.js";
import { parts } from "./strings.js";

/** A list of notes; those that are null are left out. */
export const notes = (items) =>
  make("ul", { class: "notes" }, items.filter((item) => item !== null).map((item) => make("li", {}, item)));

/** A note for each translation that was searched beside the question. */
export const searchedToo = (translations) =>
  translations.map((translation) => parts("translated", { question: isolated(translation) }));
