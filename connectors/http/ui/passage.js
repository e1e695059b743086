// A passage's text with its marks, and the line that says where it stands.

import { make } from "./dom.js";
import { languageName, text } from "./strings.js";
import { direction, excerpt, pieces, shifted, termSpans, toUnits } from "./text.js";

const MOST = 420; // UTF-16 units of a passage that are shown at first

/** A language's name with the colour that it has in the chart. */
export function languageTag(code, hue) {
  return make("span", { class: "tag" }, make("span", { class: `dot ${hue}`, "aria-hidden": "true" }), languageName(code));
}

/** A text of unknown direction inside a line of ours. */
export function isolated(value, language = null) {
  return make("bdi", { lang: language || null, dir: direction(value) }, value);
}

/** Title, or what stands for it. */
export const titleOf = (place) => place.title || place.source || place.document;

/** Source, section and page. */
export function whereabouts(place) {
  const parts = [];
  const source = place.source || place.document;
  if (source !== titleOf(place)) parts.push(make("span", { class: "source", translate: "no" }, isolated(source)));
  if (place.section?.length) {
    const steps = place.section.flatMap((step, index) => [
      index ? make("span", { "aria-hidden": "true" }, " › ") : null,
      isolated(step, place.language),
    ]);
    parts.push(make("span", { class: "section", dir: direction(place.section.join(" ")) }, steps));
  }
  if (place.page !== null && place.page !== undefined) parts.push(make("span", {}, text("page", { n: place.page })));
  return parts.length ? make("p", { class: "where" }, parts.flatMap((part, index) => (index ? [" · ", part] : [part]))) : null;
}

/** The button that makes a passage the one to ask about. */
export function aboutButton(place, about) {
  return make("button", { type: "button", class: "quiet small about", click: () => about(place) }, text("about"));
}

/** A passage's text, at first some `most` units of it; `evidence` in code points, `quotes` in UTF-16 units. */
export function passageText(place, { evidence = [], quotes = [], terms = [], most = MOST } = {}) {
  const marked = [...toUnits(place.text, evidence), ...quotes];
  const words = termSpans(place.text, place.language, terms);
  const shown = excerpt(place.text, marked, most);
  const paragraph = make("p", { class: "text", lang: place.language || null, dir: place.direction });
  const fill = ({ start, end }) => {
    const range = { start, end };
    const cut = pieces(place.text.slice(start, end), shifted(marked, range), shifted(words, range));
    paragraph.replaceChildren(
      ...(start > 0 ? ["… "] : []),
      ...nodesOf(cut),
      ...(end < place.text.length ? [" …"] : []),
    );
  };
  fill(shown);
  if (shown.end - shown.start >= place.text.length) return [paragraph];
  const toggle = make("button", {
    type: "button",
    class: "quiet small",
    "aria-expanded": "false",
    click: () => {
      const whole = toggle.getAttribute("aria-expanded") === "false";
      fill(whole ? { start: 0, end: place.text.length } : shown);
      toggle.setAttribute("aria-expanded", String(whole));
      toggle.textContent = text(whole ? "less" : "whole");
    },
  }, text("whole"));
  return [paragraph, toggle];
}

// One mark for each stretch of evidence, whatever words in it are set off.
function nodesOf(cut) {
  const nodes = [];
  let mark = null;
  for (const piece of cut) {
    const written = piece.text.replace(/\n\s*\n/gu, "\n"); // empty lines only make a card longer
    const inner = piece.term ? make("b", {}, written) : written;
    if (!piece.evidence) {
      mark = null;
      nodes.push(inner);
    } else if (mark === null) {
      nodes.push((mark = make("mark", {}, inner)));
    } else {
      mark.append(inner);
    }
  }
  return nodes;
}
