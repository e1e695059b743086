// What was asked and answered before: shown above the answer, and sent along with the next question.

import { find, make, show } from "./dom.js";
import { marked, tongueOf } from "./lines.js";
import { isolated, titleOf } from "./passage.js";
import { put } from "./shown.js";
import { number, text } from "./strings.js";

const MOST = 20; // exchanges that are kept; the service reads the last ones

const bracketed = (mark) => `[${number(mark)}]`;

export class Said {
  /** `begin` is called when the reader begins a new conversation. */
  constructor(begin) {
    this.begin = begin;
    this.exchanges = [];
    this.before = []; // those before the question that was asked last
  }

  /** What the service is sent: messages, oldest first. */
  get history() {
    return this.before.flatMap(({ question, reply }) => [
      { role: "user", content: question },
      { role: "assistant", content: reply.answer },
    ]);
  }

  /** A question is asked, or is going to be: what was answered stands above. Asked once more, it does not follow itself. */
  ask(question = null) {
    this.before = this.exchanges.at(-1)?.question === question ? this.exchanges.slice(0, -1) : this.exchanges;
    put("said", () => this.draw());
  }

  /** Keep the question and its whole answer, which stands below for itself. */
  add(question, reply) {
    this.exchanges = [...this.before, { question, reply }].slice(-MOST);
    put("said", () => this.draw());
  }

  forget() {
    this.exchanges = [];
    this.before = [];
    this.hide();
  }

  hide() {
    put("said", () => show(find("said"), false));
  }

  draw() {
    const section = find("said");
    section.replaceChildren(
      make("div", { class: "line" },
        make("h2", { id: "said-title", class: this.before.length ? "fine" : "hidden" }, text("said_title")),
        make("button", { type: "button", class: "quiet small", id: "new-conversation", click: () => this.begin() }, text("new_conversation"))),
      make("ol", { class: "exchanges" }, this.before.map(({ question, reply }) => make("li", {},
        make("p", { class: "asked-before" }, isolated(question)),
        make("div", { class: "answered-before" },
          reply.answer.split("\n").filter((line) => line.trim()).map((line) => make("p", tongueOf(line, reply), marked(line, bracketed))),
          reply.citations.length
            ? make("ul", { class: "fine" }, reply.citations.map((citation) => make("li", {}, bracketed(citation.number), " ", isolated(titleOf(citation), citation.language))))
            : null)))));
    show(section, this.exchanges.length > 0);
  }
}
