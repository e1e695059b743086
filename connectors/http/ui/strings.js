// Every sentence of the page, in the language of its reader: one table a language, in `locales`.

export const LOCALES = [
  "ar", "bn", "cs", "de", "el", "en", "es", "fa", "fr", "he", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt",
  "ru", "sv", "sw", "th", "tr", "uk", "ur", "vi", "zh",
];

let locale = "en";
let table = {};
let plurals, lists, names;

/** Read a language's table. */
export async function tableOf(code) {
  const reply = await fetch(new URL(`page/locales/${code}.json`, document.baseURI));
  if (!reply.ok) throw new Error(String(reply.status));
  return reply.json();
}

/** Speak a language from now on. */
export function speak(code, texts) {
  table = texts;
  locale = code;
  plurals = new Intl.PluralRules(code);
  lists = new Intl.ListFormat(code, { type: "conjunction" });
  names = new Intl.DisplayNames(code, { type: "language", fallback: "none" });
}

/** The first of a reader's languages that the page speaks, in the script that it is read in if it can. */
export function spoken(wanted) {
  const known = LOCALES.map((code) => [code, new Intl.Locale(code).maximize()]);
  for (const tag of wanted) {
    try {
      const { language, script } = new Intl.Locale(tag).maximize();
      const same = known.filter(([, each]) => each.language === language);
      if (same.length) return (same.find(([, each]) => each.script === script) ?? same[0])[0];
    } catch {
      // No language tag: the next one.
    }
  }
  return "en";
}

/** The parts of a text, its {holes} filled; what fills one may be an element. `n` chooses the plural form. */
export function parts(key, values = {}) {
  const entry = table[key] ?? key;
  const pattern = typeof entry === "string" ? entry : (entry[plurals.select(values.n)] ?? entry.other);
  return pattern.split(/\{(\w+)\}/).map((part, index) => {
    if (index % 2 === 0) return part;
    return typeof values[part] === "number" ? number(values[part]) : values[part];
  });
}

export const text = (key, values) => parts(key, values).join("");

export const list = (items) => lists.format(items);

/** The name of a language; its code where nobody knows one. */
export function languageName(code) {
  try {
    return names.of(code) ?? (code === "und" ? text("unknown_language") : code);
  } catch {
    return code || text("unknown_language");
  }
}

const numeral = (value, options) => new Intl.NumberFormat(locale, options).format(value);

export const number = (value) => numeral(value);

/** A number that names something, such as a year: its digits are not grouped. */
export const figure = (value) => numeral(value, { useGrouping: false, maximumFractionDigits: 20 });

export const decimal = (value) => numeral(value, { minimumFractionDigits: 2, maximumFractionDigits: 3 });

export const seconds = (value) => numeral(value, { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 1 });

/** A share from 0 to 1 in percent: small ones are not rounded away. */
export function percent(share) {
  if (share > 0 && share < 0.01) return numeral(share, { style: "percent", maximumSignificantDigits: 1 });
  return numeral(share > 0.99 && share < 1 ? 0.99 : share, { style: "percent" });
}

/** A day (`2024-05-01`), with the time of its own place where one stands behind it; null for what is none. */
export function day(value) {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)\S*)?$/.exec(value) ?? [];
  const moment = new Date(`${date}T${time ?? "00:00"}Z`);
  if (Number.isNaN(moment.valueOf())) return null;
  const styles = { dateStyle: "long", timeStyle: time ? "short" : undefined };
  return new Intl.DateTimeFormat(locale, { ...styles, timeZone: "UTC" }).format(moment);
}
