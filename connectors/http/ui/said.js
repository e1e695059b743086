// What was asked and answered before: shown above the answer, and sent along with the next question.

import { find, make, show } from "./dom.js";
import { isolated, titleOf } from "./passage.js";
import { text } from "./strings.js";
import { lineDirection } from "./text.js";

const MOST = 20; // exchanges that are kept; the service reads the last ones

export class Said {
  /** `begin` is called when the reader begins a new conversation. */
  constructor(begin) {
    this.begin = begin;
    this.exchanges = [];
  }

  /** What the service is sent: messages, oldest first. */
  get history() {
    return this.exchanges.flatMap(({ question, reply }) => [
      { role: "user", content: question },
      { role: "assistant", content: reply.answer },
    ]);
  }

  /** Keep a question and its whole answer, which stands below for itself. */
  add(question, reply) {
    this.exchanges = [...this.exchanges, { question, reply }].slice(-MOST);
    this.draw(this.exchanges.slice(0, -1));
  }

  /** A question is asked: what was answered before goes above; its own former answer goes. */
  ask(question) {
    if (this.exchanges.at(-1)?.question === question) this.exchanges.pop();
    this.draw(this.exchanges);
  }

  forget() {
    this.exchanges = [];
    this.hide();
  }

  hide() {
    show(find("said"), false);
  }

  draw(exchanges) {
    const section = find("said");
    section.replaceChildren(
      make("div", { class: "line" },
        make("h2", { id: "said-title", class: "fine" }, text("said_title")),
        make("button", { type: "button", class: "quiet small", id: "new-conversation", click: () => this.begin() }, text("new_conversation"))),
      make("ol", { class: "exchanges" }, exchanges.map(({ question, reply }) => make("li", {},
        make("p", { class: "asked-before" }, isolated(question)),
        make("div", { class: "answered-before" },
          reply.answer.split("\n").filter((line) => line.trim()).map((line) => make("p", { dir: lineDirection(line, reply.direction) }, line)),
          reply.citations.length
            ? make("ul", { class: "fine" }, reply.citations.map((citation) => make("li", {}, `[${citation.number}] `, isolated(titleOf(citation), citation.language))))
            : null)))));
    show(section, this.exchanges.length > 0);
  }
}
