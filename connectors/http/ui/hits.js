// What a search found.

import { draw, make } from "./dom.js";
import { aboutButton, isolated, languageTag, passageText, titleOf, whereabouts } from "./passage.js";
import { day, decimal, figure, languageName, list, number, percent, text } from "./strings.js";
import { direction } from "./text.js";
import { isWeak } from "./weak.js";

/** One hit as an item of a list; `hues` knows the colours of languages, `evidence` is marked, `about` its button's work, `picture` fetches a thumbnail. */
export function hitItem(hit, { hues, evidence = [], about, picture = null }) {
  const heading = `hit-${hit.rank}`;
  return make("li", {},
    make("article", { class: `card hit${isWeak(hit) ? " weak" : ""}`, tabindex: "-1", "aria-labelledby": heading },
      make("header", {},
        make("h3", { id: heading, dir: direction(titleOf(hit)) }, isolated(titleOf(hit), hit.language)),
        languageTag(hit.language, hues.of(hit.language)),
        scoreBadge(hit)),
      whereabouts(hit),
      hit.image && picture ? thumbnail(hit, picture) : null,
      passageText(hit, { evidence, terms: hit.parts.matched_terms }),
      make("div", { class: "folds" }, hit.twins.length ? twins(hit, hues) : null, reasons(hit), aboutButton(hit, about))));
}

// The place of a picture, which is filled once it is there; without it the hit says all the same.
function thumbnail(hit, picture) {
  const place = make("figure", { class: "picture" });
  picture(hit.image).then((blob) => {
    const address = URL.createObjectURL(blob);
    const image = make("img", { src: address, alt: hit.text.slice(0, 200), decoding: "async" });
    image.addEventListener("load", () => URL.revokeObjectURL(address));
    place.append(image);
  }).catch(() => place.remove());
  return place;
}

function scoreBadge(hit) {
  const share = percent(hit.score);
  return make("span", { class: "score" },
    isWeak(hit) ? [make("span", { class: "doubt" }, text("weak")), " "] : null,
    make("span", { "aria-hidden": "true" }, share),
    make("span", { class: "hidden" }, text("probability", { share })));
}

function twins(hit, hues) {
  const languages = [...new Set(hit.twins.map((twin) => languageName(twin.language)))];
  return make("details", {},
    make("summary", {}, text("twins", { list: list(languages) })),
    make("ul", { class: "twins", "aria-label": text("twins_note") },
      hit.twins.map((twin) => make("li", {},
        make("p", { class: "twin-title" }, isolated(titleOf(twin), twin.language), " ", languageTag(twin.language, hues.of(twin.language))),
        whereabouts(twin),
        passageText(twin)))));
}

const METERED = ["score", "dense", "dense_plain", "lexical"];
const PARTS = [...METERED, "late", "rerank", "rank_before_rerank"];

function reasons(hit) {
  const values = { ...hit.parts, score: hit.score };
  const rows = PARTS.filter((name) => values[name] !== null).map((name) => {
    const value = values[name];
    const written = name === "rank_before_rerank" ? number(value) : decimal(value);
    const bar = METERED.includes(name) ? meter(text(name), Math.min(1, Math.max(0, value)), written) : null;
    return make("tr", {}, make("th", { scope: "row" }, text(name)), make("td", { class: "number" }, written), make("td", {}, bar));
  });
  return make("details", {},
    make("summary", {}, text("why")),
    make("table", { class: "parts" },
      make("caption", { class: "hidden" }, text("score_caption")),
      make("thead", { class: "hidden" }, make("tr", {},
        make("th", { scope: "col" }, text("part")), make("th", { scope: "col" }, text("value")), make("td", {}))),
      make("tbody", {}, rows)),
    facts(hit));
}

function meter(name, value, written) {
  const aria = { "aria-label": name, "aria-valuemin": "0", "aria-valuemax": "1", "aria-valuenow": String(value), "aria-valuetext": written };
  return draw("svg", { class: "meter", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "meter", ...aria },
    draw("rect", { width: 100, height: 8, class: "track" }),
    draw("rect", { width: (100 * value).toFixed(1), height: 8, class: "filled" }));
}

function facts(hit) {
  const entries = [
    hit.parts.matched_terms.length
      ? [text("terms"), hit.parts.matched_terms.flatMap((term, index) => [index ? ", " : null, isolated(term, hit.language)])]
      : null,
    [text("document"), isolated(hit.document)],
    [text("characters"), make("bdi", {}, `${number(hit.start)}–${number(hit.end)}`)],
    ...Object.entries(hit.metadata).map(([key, value]) => [isolated(key), fact(value)]),
  ].filter((entry) => entry !== null);
  return make("dl", { class: "facts" }, entries.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function fact(value) {
  if (typeof value === "number") return figure(value);
  const date = typeof value === "string" ? day(value) : null;
  return date === null ? isolated(String(value)) : make("time", { datetime: value }, date);
}
