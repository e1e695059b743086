// Directions, offsets, and which stretches of a passage are marked.

const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}]/u;
const LETTER = /\p{L}/u;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u;

// Control characters, and those that make a text read as it is not written.
const STEERING = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** A text without what steers a line; what takes its place is not seen and is as long. */
export const calm = (value) => value.replace(STEERING, (found) => ("\n\r\t".includes(found) ? found : "\u200b"));

/** Whether an address may name a language so. */
export const isLanguageCode = (value) => /^[A-Za-z0-9-]{1,40}$/.test(value);

/** The direction of most of a text's letters: the first one alone misleads. */
export function direction(text) {
  let balance = 0;
  for (const character of text.slice(0, 2000)) {
    if (RIGHT_TO_LEFT.test(character)) balance += 1;
    else if (LETTER.test(character)) balance -= 1;
  }
  return balance > 0 ? "rtl" : "ltr";
}

/** The direction of a line of a longer text: its own only if nothing in it goes the text's way. */
export function lineDirection(line, whole) {
  return whole === "rtl" && RIGHT_TO_LEFT.test(line) ? "rtl" : direction(line);
}

/** The service counts characters (code points), a script's string UTF-16 units. */
export function toUnits(text, spans) {
  const offsets = [0];
  for (const character of text) offsets.push(offsets.at(-1) + character.length);
  const at = (index) => offsets[Math.min(Math.max(index, 0), offsets.length - 1)];
  return spans.map(({ start, end }) => ({ start: at(start), end: at(end) }));
}

const fold = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss").replaceAll("ı", "i");

// The folded text, and for each of its units where in the text its grapheme begins and ends.
function folded(text, drop) {
  const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
  let all = "";
  const starts = [];
  const ends = [];
  for (const { segment, index } of graphemes.segment(text)) {
    if (drop !== null && drop.test(segment)) continue;
    const part = fold(segment);
    for (let unit = 0; unit < part.length; unit += 1) {
      starts.push(index);
      ends.push(index + segment.length);
    }
    all += part;
  }
  return { all, starts, ends };
}

/**
 * Where a text holds terms of the index, which are stems: whole words in scripts with spaces,
 * the bare term in those without. A term with a digit (`x200`) is found across dashes (`X-200`).
 */
export function termSpans(text, language, terms) {
  if (!terms.length || typeof Intl.Segmenter !== "function") return [];
  const words = [...wordsOf(text, language)];
  const plain = folded(text, null);
  const bare = folded(text, /^[\p{Pd}./_,·]$/u);
  const marked = [];
  for (const term of terms.map(fold)) {
    if (!term) continue;
    const { all, starts, ends } = /\d/.test(term) ? bare : plain;
    for (let at = all.indexOf(term); at !== -1; at = all.indexOf(term, at + term.length)) {
      const span = { start: starts[at], end: ends[at + term.length - 1] };
      const inside = text.slice(span.start, span.end);
      if (UNSPACED.test(inside)) {
        if ([...term].length > 1) marked.push(span);
      } else if (/\d/.test(term)) {
        if (!touchesWord(text, span)) marked.push(span);
      } else {
        const word = words.find(({ start, end }) => start <= span.start && end >= span.end);
        if (word && 2 * term.length >= fold(text.slice(word.start, word.end)).length) marked.push(word);
      }
    }
  }
  return merged(marked);
}

// Spans in order, those that touch as one.
function merged(spans) {
  const joined = [];
  for (const { start, end } of spans.toSorted((one, other) => one.start - other.start)) {
    const last = joined.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined;
}

function* wordsOf(text, language) {
  let segmenter;
  try {
    segmenter = new Intl.Segmenter(language || "und", { granularity: "word" });
  } catch {
    segmenter = new Intl.Segmenter("und", { granularity: "word" });
  }
  for (const { segment, index, isWordLike } of segmenter.segment(text)) {
    if (isWordLike) yield { start: index, end: index + segment.length };
  }
}

const touchesWord = (text, { start, end }) =>
  /[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, start - 2), start)) || /^[\p{L}\p{N}]/u.test(text.slice(end, end + 2));

/** Cut a text where any span begins or ends: `{text, evidence, term}` in order. */
export function pieces(text, evidence, terms) {
  const cuts = new Set([0, text.length]);
  for (const { start, end } of [...evidence, ...terms]) cuts.add(start).add(end);
  const places = [...cuts].sort((one, other) => one - other);
  const within = (spans, from, to) => spans.some(({ start, end }) => start <= from && end >= to);
  return places.slice(1).map((to, index) => {
    const from = places[index];
    return { text: text.slice(from, to), evidence: within(evidence, from, to), term: within(terms, from, to) };
  });
}

/** The stretch of a long text that is shown at first: around its evidence, at words' edges. */
export function excerpt(text, evidence, most) {
  if (text.length <= most * 1.3) return { start: 0, end: text.length };
  const anchor = evidence[0] ?? { start: 0, end: 0 };
  const room = Math.max(0, most - (anchor.end - anchor.start));
  let start = Math.max(0, anchor.start - Math.floor(room / 3));
  let end = Math.min(text.length, Math.max(anchor.end, start + most));
  start = Math.max(0, Math.min(start, end - most));
  for (const { index, segment } of new Intl.Segmenter("und", { granularity: "word" }).segment(text)) {
    const after = index + segment.length;
    if (index < start && after > start) start = index;
    if (index < end && after > end) {
      end = after;
      break;
    }
  }
  if (start < most / 8) start = 0; // a few words left out save nothing
  if (text.length - end < most / 8) end = text.length;
  return { start, end };
}

/** Spans that lie in a stretch, counted from its beginning. */
export const shifted = (spans, { start: from, end: to }) =>
  spans
    .filter(({ start, end }) => end > from && start < to)
    .map(({ start, end }) => ({ start: Math.max(start, from) - from, end: Math.min(end, to) - from }));
