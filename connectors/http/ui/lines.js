// The lines of an answer: their marks `[1]`, their language, and what they quote.

import { lineDirection } from "./text.js";

const MARK = /\[(\d{1,3})\]/g;
const normal = (value) => value.normalize("NFC").replace(/\s+/gu, " ").trim();

/** A line of an answer without its marks and quotation marks. */
export const bare = (line) => normal(line.replace(MARK, "")).replace(/^“|”$/gu, "");

/** A line of an answer, cut at its marks; `mark` makes what stands for one of a number. */
export function marked(line, mark) {
  return line.split(MARK).map((part, index) => (index % 2 ? mark(Number(part)) : part)).filter((part) => part !== "");
}

/** Language and direction of an answer's line: its source's where it repeats that word for word. */
export function tongueOf(line, reply) {
  const numbers = [...line.matchAll(MARK)].map((match) => Number(match[1]));
  const source = numbers.length === 1 ? reply.citations.find(({ number }) => number === numbers[0]) : null;
  const words = bare(line);
  if (source && words && normal(source.text).includes(words)) return { lang: source.language, dir: source.direction };
  return { lang: reply.language, dir: lineDirection(line, reply.direction) };
}
