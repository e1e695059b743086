// An answer: written as it comes, then with its citations as buttons that lead to the sources.

import { find, goTo, make } from "./dom.js";
import { isolated, languageTag, passageText, titleOf, whereabouts } from "./passage.js";
import { text } from "./strings.js";
import { direction, lineDirection, toUnits } from "./text.js";

const MARK = /\[(\d{1,3})\]/g;
const normal = (value) => value.normalize("NFC").replace(/\s+/gu, " ").trim();

export class AnswerView {
  constructor(section, hues) {
    this.section = section;
    this.hues = hues;
    this.text = "";
    this.returnTo = null;
    this.title = make("h2", { id: "answer-title", tabindex: "-1" }, text("answer"));
    this.body = make("div", { class: "written", "aria-busy": "true" });
    this.notes = make("ul", { class: "notes" });
    this.sources = make("div", {});
    section.replaceChildren(this.title, this.body, this.notes, this.sources);
    section.classList.add("running");
  }

  /** Another piece, not yet checked. */
  add(piece) {
    this.text += piece;
    this.write(this.text, (number) => make("span", { class: "cite", title: text("unchecked", { n: number }) }, number));
  }

  /** The writing ended early. */
  end(note) {
    this.settle();
    this.note(note);
  }

  /** The whole answer, checked. */
  finish(reply) {
    this.settle();
    this.text = reply.answer;
    const cited = new Map(reply.citations.map((citation) => [citation.number, citation]));
    this.body.setAttribute("lang", reply.language);
    this.body.replaceChildren();
    this.write(reply.answer, (number) => this.mark(cited.get(number), number), (line) => quoted(line, cited) ?? { direction: lineDirection(line, reply.direction) });
    this.section.classList.toggle("unsupported", !reply.supported);
    if (reply.rewritten) this.note(text("rewritten", { question: reply.rewritten }));
    else if (reply.hits[0]?.parts.follow_up >= 0.5) this.note(text("follow_up"));
    for (const warning of reply.warnings) this.note(warning);
    if (reply.citations.length) {
      this.sources.replaceChildren(
        make("h3", { class: "sources-title" }, text("sources_title")),
        make("ol", { class: "sources" }, reply.citations.map((citation) => this.source(citation, reply))),
      );
    }
    if (reply.supported) this.sources.append(make("p", { class: "fine" }, text("generator", { name: reply.generator })));
  }

  settle() {
    this.section.classList.remove("running");
    this.body.setAttribute("aria-busy", "false");
  }

  note(value) {
    this.notes.append(make("li", {}, isolated(value)));
  }

  // Lines that did not change stay, so that a selection in them does.
  write(whole, mark, tongue = (line) => ({ direction: direction(line) })) {
    const lines = whole.split("\n").filter((line) => line.trim());
    lines.forEach((line, index) => {
      let paragraph = this.body.children[index];
      if (paragraph?.dataset.line === line) return;
      if (!paragraph) this.body.append((paragraph = make("p", {})));
      paragraph.dataset.line = line;
      const { language, direction: way } = tongue(line);
      if (language) paragraph.setAttribute("lang", language);
      paragraph.setAttribute("dir", way);
      paragraph.replaceChildren(...marked(line, mark));
    });
  }

  mark(citation, number) {
    if (!citation) return `[${number}]`;
    const name = text("to_source", { n: number, title: titleOf(citation) });
    const button = make("button", {
      type: "button",
      class: "cite",
      "aria-label": name,
      click: () => {
        this.returnTo = button;
        goTo(find(`source-${number}`));
      },
    }, String(number));
    return button;
  }

  source(citation, reply) {
    const heading = `source-title-${citation.number}`;
    return make("li", { value: citation.number },
      make("article", { class: "card source-card", id: `source-${citation.number}`, tabindex: "-1", "aria-labelledby": heading },
        make("header", {},
          make("h4", { id: heading, dir: direction(titleOf(citation)) },
            make("span", { class: "number", "aria-hidden": "true" }, String(citation.number)),
            make("span", { class: "hidden" }, text("to_source", { n: citation.number, title: "" })),
            isolated(titleOf(citation), citation.language)),
          languageTag(citation.language, this.hues.of(citation.language))),
        whereabouts(citation),
        passageText(citation, { quotes: quotesIn(citation, reply) }),
        make("button", {
          type: "button",
          class: "quiet small",
          click: () => goTo(this.returnTo?.isConnected ? this.returnTo : this.title),
        }, text("back"))));
  }
}

function marked(line, mark) {
  const nodes = [];
  let from = 0;
  for (const match of line.matchAll(MARK)) {
    nodes.push(line.slice(from, match.index), mark(Number(match[1])));
    from = match.index + match[0].length;
  }
  nodes.push(line.slice(from));
  return nodes.filter((node) => node !== "");
}

const bare = (line) => normal(line.replace(MARK, "")).replace(/^“|”$/gu, "");

// A line that repeats its source word for word is in the source's language, not the answer's.
function quoted(line, cited) {
  const numbers = [...line.matchAll(MARK)].map((match) => Number(match[1]));
  const citation = numbers.length === 1 ? cited.get(numbers[0]) : null;
  const words = bare(line);
  return citation && words && normal(citation.text).includes(words) ? citation : null;
}

// Where a source holds what the answer quotes of it, or else the sentence nearest to the question.
function quotesIn(citation, reply) {
  const spans = [];
  for (const line of reply.answer.split("\n")) {
    if (!line.includes(`[${citation.number}]`)) continue;
    const words = bare(line);
    if (words.length < 4) continue;
    const pattern = words.split(" ").map((word) => word.replace(/[.*+?^${}()|[\]\\/]/gu, "\\$&")).join("\\s+");
    const match = new RegExp(pattern, "u").exec(citation.text);
    if (match) spans.push({ start: match.index, end: match.index + match[0].length });
  }
  if (spans.length) return spans;
  for (const [index, hit] of reply.hits.entries()) {
    if (hit.document !== citation.document) continue;
    for (const { start, end } of toUnits(hit.text, reply.evidence[index])) {
      const at = citation.text.indexOf(hit.text.slice(start, end));
      if (at !== -1) spans.push({ start: at, end: at + end - start });
    }
  }
  return spans.slice(0, 1);
}
