// An answer: written as it comes, then with its citations as buttons that lead to the sources.

import { find, goTo, make } from "./dom.js";
import { bare, marked, tongueOf } from "./lines.js";
import { notes, searchedToo } from "./notes.js";
import { aboutButton, isolated, languageTag, passageText, titleOf, whereabouts } from "./passage.js";
import { put } from "./shown.js";
import { number as numeral, parts, text } from "./strings.js";
import { direction, toUnits } from "./text.js";
import { trust } from "./weak.js";

export class AnswerView {
  /** `about` is called with the source to ask about. */
  constructor(section, hues, about) {
    this.section = section;
    this.hues = hues;
    this.about = about;
    this.running = true;
    this.text = "";
    this.why = null; // the text that tells why it ended early
    this.reply = null;
    this.returnTo = null;
    put("answer", () => this.draw());
  }

  draw() {
    this.title = make("h2", { id: "answer-title", tabindex: "-1" }, text("answer"));
    this.body = make("div", { class: "written", "aria-busy": String(this.running) });
    this.section.replaceChildren(this.title, this.body);
    this.section.classList.toggle("running", this.running);
    if (this.reply) this.drawReply(this.reply);
    else this.drawDraft();
  }

  /** Another piece, not yet checked. */
  add(piece) {
    this.text += piece;
    this.write(this.text, unchecked, (line) => ({ dir: direction(line) }));
  }

  /** The writing ended early; the key of a text says why. */
  end(why) {
    this.running = false;
    this.why = why;
    this.draw();
  }

  /** The whole answer, checked. */
  finish(reply) {
    this.running = false;
    this.reply = reply;
    this.draw();
  }

  drawDraft() {
    this.write(this.text, unchecked, (line) => ({ dir: direction(line) }));
    if (this.why) this.section.append(notes([text(this.why)]));
  }

  drawReply(reply) {
    const cited = new Map(reply.citations.map((citation) => [citation.number, citation]));
    this.body.setAttribute("lang", reply.language);
    this.write(reply.answer, (number) => this.mark(cited.get(number), number), (line) => tongueOf(line, reply));
    const trusted = trust(reply);
    this.section.classList.toggle("unsupported", trusted === "none");
    this.section.classList.toggle("weak", trusted === "weak");
    this.section.append(notes([
      trusted === "weak" ? make("strong", {}, text("weak_answer")) : null,
      reply.rewritten ? parts("rewritten", { question: isolated(reply.rewritten) }) : null,
      !reply.rewritten && reply.hits[0]?.parts.follow_up >= 0.5 ? text("follow_up") : null,
      ...searchedToo(reply.translations),
      ...reply.warnings.map((warning) => make("bdi", { lang: "en", dir: "auto" }, warning)),
    ]));
    if (reply.citations.length) {
      this.section.append(
        make("h3", { class: "sources-title" }, text("sources_title")),
        make("ol", { class: "sources" }, reply.citations.map((citation) => this.source(citation, reply))),
      );
    }
    if (reply.supported) {
      this.section.append(make("p", { class: "fine" }, text("generator", { name: reply.generator })));
    }
  }

  // Lines that did not change stay, so that a selection in them does.
  write(whole, mark, tongue) {
    const lines = whole.split("\n").filter((line) => line.trim());
    lines.forEach((line, index) => {
      let paragraph = this.body.children[index];
      if (paragraph?.dataset.line === line) return;
      if (!paragraph) this.body.append((paragraph = make("p", {})));
      paragraph.dataset.line = line;
      for (const [name, value] of Object.entries(tongue(line))) paragraph.setAttribute(name, value);
      paragraph.replaceChildren(...marked(line, mark));
    });
  }

  mark(citation, number) {
    if (!citation) return `[${numeral(number)}]`;
    const button = make("button", {
      type: "button",
      class: "cite",
      "aria-label": text("to_source", { n: number, title: titleOf(citation) }),
      click: () => {
        this.returnTo = button;
        goTo(find(`source-${number}`));
      },
    }, numeral(number));
    return button;
  }

  source(citation, reply) {
    const heading = `source-title-${citation.number}`;
    return make("li", { value: citation.number },
      make("article", { class: "card source-card", id: `source-${citation.number}`, tabindex: "-1", "aria-labelledby": heading },
        make("header", {},
          make("h4", { id: heading, dir: direction(titleOf(citation)) },
            make("span", { class: "number", "aria-hidden": "true" }, numeral(citation.number)),
            make("span", { class: "hidden" }, text("to_source", { n: citation.number, title: "" })),
            isolated(titleOf(citation), citation.language)),
          languageTag(citation.language, this.hues.of(citation.language))),
        whereabouts(citation),
        passageText(citation, { quotes: quotesIn(citation, reply) }),
        make("div", { class: "folds" },
          make("button", {
            type: "button",
            class: "quiet small",
            click: () => goTo(this.returnTo?.isConnected ? this.returnTo : this.title),
          }, text("back")),
          aboutButton(hitOf(citation, reply) ?? citation, this.about))));
  }
}

const unchecked = (number) => make("span", { class: "cite", title: text("unchecked", { n: number }) }, numeral(number));

const hitOf = (citation, reply) =>
  reply.hits.find((hit) => hit.document === citation.document && citation.text.includes(hit.text));

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
