// One passage to ask about: its document alone, or one page of it, answers.

import { find, make, show } from "./dom.js";
import { isolated, languageTag, passageText, titleOf, whereabouts } from "./passage.js";
import { put } from "./shown.js";
import { text } from "./strings.js";
import { direction, isLanguageCode, toUnits } from "./text.js";

const MOST = 160; // a reminder: the reader comes from the passage

const UNREAD = { source: "", title: "", text: "", spans: [], language_hint: null };

const equals = (key, value) => ({ op: "equals", key, value });

export class Scope {
  /**
   * `leave` is called when the reader wants all documents again, `changed` when they want its page alone, or no longer;
   * `hueOf` knows the colours of languages.
   */
  constructor(leave, changed, hueOf) {
    this.leave = leave;
    this.changed = changed;
    this.hueOf = hueOf;
    this.place = null;
    this.unread = null; // the place that a document is being fetched for
    this.pageOnly = false;
  }

  /** What a request is told: null for all documents. */
  get where() {
    if (this.place === null) return null;
    const document = equals("document_id", this.place.document);
    return this.pageOnly ? { op: "and", parts: [document, equals("page", this.place.page)] } : document;
  }

  /** What is asked, in words; nothing for all documents. */
  get title() {
    if (this.place === null) return "";
    return this.pageOnly ? text("scope_page", { n: this.place.page }) : text("scope_title");
  }

  /** Ask about this passage from now on; null: about everything. */
  set(place, pageOnly = false) {
    this.place = place;
    this.pageOnly = pageOnly && Number.isInteger(place?.page);
    document.body.classList.toggle("scoped", place !== null);
    put("scope", () => this.draw());
  }

  // -- the address -----------------------------------------------------------------------------

  write(address) {
    if (this.place === null) return;
    const { document, start, end, language } = this.place;
    address.set("passage", document);
    if (end > start) address.set("at", `${start}-${end}`);
    if (language) address.set("in", language);
    if (this.pageOnly) address.set("only", "page");
  }

  /** Read an address; `fetched` gets a document by its id. Where it fails, that is thrown, and nothing is restricted. */
  async read(address, fetched) {
    const id = address.get("passage");
    if (!id) return this.set(null);
    const [start, end] = (/^(\d{1,9})-(\d{1,9})$/.exec(address.get("at") ?? "") ?? []).slice(1).map(Number);
    if (this.place?.document !== id || this.place.start !== start || this.place === this.unread) {
      const language = isLanguageCode(address.get("in") ?? "") ? address.get("in") : null;
      const unread = placeIn({ id, ...UNREAD }, { start, end, language });
      this.unread = unread;
      this.set(unread); // no question goes to all documents meanwhile
      try {
        const document = await fetched(id);
        if (this.place !== unread) return; // the reader has gone elsewhere
        this.set(placeIn(document, { start, end, language }));
      } catch (error) {
        if (this.place === unread) this.set(null);
        throw error;
      }
    }
    this.set(this.place, address.get("only") === "page");
  }

  draw() {
    const section = find("scope");
    show(section, this.place !== null);
    if (this.place === null) return section.replaceChildren();
    const { place } = this;
    const page = make("input", { type: "checkbox", id: "scope-page", checked: this.pageOnly });
    page.addEventListener("change", () => {
      this.pageOnly = page.checked;
      this.changed();
    });
    section.replaceChildren(
      make("div", { class: "line" },
        make("h2", { id: "scope-title" }, text("scope_title")),
        make("button", { type: "button", class: "quiet small", id: "scope-clear", click: () => this.leave() }, text("scope_clear"))),
      make("p", { class: "scope-name", dir: direction(titleOf(place)) }, isolated(titleOf(place), place.language), " ", place.language ? languageTag(place.language, this.hueOf(place.language)) : null),
      whereabouts(place) ?? "",
      ...(place.text ? passageText(place, { most: MOST }) : []),
      Number.isInteger(place.page)
        ? make("p", { class: "option" }, page, make("label", { for: "scope-page" }, text("scope_page", { n: place.page })))
        : "");
  }
}

// A stretch of a document as a hit would tell it.
function placeIn(document, { start, end, language }) {
  const [units] = end > start ? toUnits(document.text, [{ start, end }]) : [{ start: 0, end: 0 }];
  const passage = document.text.slice(units.start, units.end);
  const span = document.spans.find((each) => each.start <= start && start < each.end);
  return {
    document: document.id, source: document.source, title: document.title,
    language: language ?? document.language_hint, direction: direction(passage), text: passage,
    start, end, page: span?.page ?? null, section: span?.section ?? [],
  };
}
