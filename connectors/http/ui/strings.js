// Every sentence that scripts show. Another language is another table with the same keys.

export const LOCALE = "en";

const TABLE = {
  search: "Search",
  ask: "Ask",
  holds: "{documents} · {passages} · {languages}",
  documents: { one: "{n} document", other: "{n} documents" },
  passages: { one: "{n} passage", other: "{n} passages" },
  languages: { one: "{n} language", other: "{n} languages" },
  sources: { one: "{n} source", other: "{n} sources" },
  mix: "Language mix of the knowledge base: {list}",
  searched_all: "{languages}, all of them searched",
  searched_some: "Only {list}",
  searching: "Searching …",
  reading: "Reading the passages …",
  writing: "Writing the answer …",
  found: "{passages} in {languages}, {seconds} s",
  nothing: "No passage was found.",
  nothing_filtered: "No passage was found in the languages that you chose.",
  answered: "Answered from {sources}, {seconds} s",
  unanswered: "The knowledge base does not hold an answer.",
  stopped: "Stopped.",
  stopped_note: "You stopped this answer: it is not complete, and its citations were not checked.",
  broken_note: "The answer broke off here. Its citations were not checked.",
  no_question: "Type a question first.",
  answer: "Answer",
  said_title: "Said before",
  new_conversation: "New conversation",
  rewritten: "Understood as: {question}",
  follow_up: "Understood as a follow-up to the question before.",
  generator: "By {name}",
  sources_title: "Sources",
  passages_title: "Passages",
  read_title: "All that was found: {passages}",
  to_source: "Source {n}: {title}",
  unchecked: "Source {n}, not yet checked",
  back: "Back to the answer",
  probability: "{n} %",
  probability_long: "{n} percent likely to answer the question",
  page: "page {n}",
  whole: "Whole passage",
  less: "Less",
  more: "More passages",
  why: "Why this passage",
  twins: "Also in {list}",
  twins_note: "The same, said in another language",
  score_caption: "The parts of this passage’s score",
  part: "Part",
  value: "Value",
  score: "Probability that it answers",
  dense: "Meaning, freed from its language",
  dense_plain: "Meaning, as the model gives it",
  lexical: "Share of the question’s words",
  late: "Word by word, above chance",
  rerank: "Reranker",
  rank_before_rerank: "Place before reranking",
  terms: "Words in common, as the index keeps them",
  document: "Document",
  characters: "Characters",
  metadata: "Details",
  retry: "Try again",
  key: "Key",
  key_on: "Key in use",
  key_wanted: "This service wants a key. Type yours to go on.",
  key_wrong: "The service does not know this key.",
  key_may_not: "This key may not read the knowledge base.",
  error_busy: "The service is busy just now. Try again in {seconds}.",
  seconds: { one: "{n} second", other: "{n} seconds" },
  error_network: "The service can not be reached. Is it running, and are you connected?",
  error_cut: "The connection broke off in the middle.",
  error_stopping: "The service is being stopped. Try again in a moment.",
  error_too_large: "The question is too long.",
  error_unusable: "The service can not use this question: {message}",
  error_forbidden: "The service refuses this: {message}",
  error_model: "The language model behind the service did not answer: {message}",
  error_other: "Something went wrong: {message}",
  ask_again: "Ask again to read only the languages that you chose.",
  unknown_language: "language not known",
};

const plurals = new Intl.PluralRules(LOCALE);
const numbers = new Intl.NumberFormat(LOCALE);
const lists = new Intl.ListFormat(LOCALE, { type: "conjunction" });
const names = new Intl.DisplayNames(LOCALE, { type: "language", fallback: "none" });

/** The text of a key, its {holes} filled. */
export function text(key, values = {}) {
  const entry = TABLE[key];
  const pattern = typeof entry === "string" ? entry : entry[plurals.select(values.n)];
  return pattern.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? numbers.format(value) : String(value);
  });
}

export const list = (items) => lists.format(items);

/** The name of a language; its code where nobody knows one. */
export function languageName(code) {
  try {
    return names.of(code) ?? (code === "und" ? text("unknown_language") : code);
  } catch {
    return code || text("unknown_language");
  }
}

/** A share from 0 to 1 in percent: small ones are not rounded away. */
export function percent(share) {
  const value = share * 100;
  if (value > 0 && value < 1) return "<1";
  return numbers.format(value > 99 && value < 100 ? 99 : Math.round(value));
}

export const decimal = (value) =>
  new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 3 }).format(value);
