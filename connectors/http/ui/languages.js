// The languages of the knowledge base: a chart, and boxes that restrict a search to some of them.

import { draw, find, make, show } from "./dom.js";
import { put } from "./shown.js";
import { languageName, list, percent, text } from "./strings.js";

const HUES = 12;
const WIDTH = 1000;
const GAP = 4;

/** Which colour a language has on this page. */
export class Hues {
  constructor(languages = []) {
    this.order = languages.map((entry) => entry.language);
  }

  of(language) {
    const place = this.order.indexOf(language);
    return place === -1 ? "hue-none" : `hue-${place % HUES}`;
  }
}

export class Languages {
  constructor(changed) {
    this.changed = changed;
    this.known = [];
    this.hues = new Hues();
    this.chosen = new Set();
    find("filter-clear").addEventListener("click", () => {
      this.choose([]);
      this.changed();
      find("filter-summary").focus();
    });
  }

  /** Show what the service told of its languages. */
  tell(languages) {
    this.known = languages;
    this.hues = new Hues(languages);
    put("languages", () => this.draw());
  }

  draw() {
    find("mix").replaceChildren(chart(this.known, this.hues));
    find("chips").replaceChildren(...this.known.map((entry) => this.chip(entry)));
    show(find("languages"), this.known.length > 0);
    this.choose([...this.chosen]);
  }

  /** Restrict to these languages; none: to all. */
  choose(codes) {
    this.chosen = new Set(codes);
    for (const box of find("chips").querySelectorAll("input")) box.checked = this.chosen.has(box.value);
    this.say();
  }

  /** What a request is told: null for all. */
  get restriction() {
    return this.chosen.size ? [...this.chosen] : null;
  }

  say() {
    find("filter-summary").textContent = this.chosen.size
      ? text("searched_some", { list: list([...this.chosen].map(languageName)) })
      : text("searched_all", { n: this.known.length });
    show(find("filter-clear"), this.chosen.size > 0);
    for (const segment of find("mix").querySelectorAll("rect")) {
      const off = this.chosen.size > 0 && !this.chosen.has(segment.dataset.language);
      segment.classList.toggle("off", off);
    }
  }

  chip({ language, share, chunks }) {
    const box = make("input", { type: "checkbox", value: language });
    box.addEventListener("change", () => {
      if (box.checked) this.chosen.add(language);
      else this.chosen.delete(language);
      this.say();
      this.changed();
    });
    return make("li", {}, make("label", { class: "chip", title: text("passages", { n: chunks }) },
      box,
      make("span", { class: `dot ${this.hues.of(language)}`, "aria-hidden": "true" }),
      make("span", {}, languageName(language)),
      " ",
      make("span", { class: "share" }, percent(share))));
  }
}

function chart(languages, hues) {
  const mix = list(languages.map((entry) => `${languageName(entry.language)} ${percent(entry.share)}`));
  const room = WIDTH - GAP * (languages.length - 1);
  let x = 0;
  const bars = languages.map(({ language, share }) => {
    const width = Math.max(1, share * room);
    const bar = draw("rect", { x: x.toFixed(2), y: 0, width: width.toFixed(2), height: 12, class: hues.of(language) },
      draw("title", {}, languageName(language)));
    bar.dataset.language = language;
    x += width + GAP;
    return bar;
  });
  return draw("svg", { viewBox: `0 0 ${WIDTH} 12`, preserveAspectRatio: "none", role: "img", class: "mix", "aria-label": text("mix", { list: mix }) }, bars);
}
