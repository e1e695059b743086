// The language of the page itself: the browser's, or the one chosen, which the tab keeps.

import { find, make } from "./dom.js";
import { stored } from "./stored.js";
import { LOCALES, parts, speak, spoken, tableOf, text } from "./strings.js";
import { direction } from "./text.js";

const PLACE = "rag_engine.locale";
const ownName = (code) => new Intl.DisplayNames(code, { type: "language" }).of(code);

export class LocaleChooser {
  /** `changed` is called when the page is to say all anew; `failed`, with what tries again, when a table did not come. */
  constructor(changed, failed) {
    this.locale = "en";
    this.chosen = 0; // how often: the table of an earlier choice may come later
    this.changed = changed;
    this.failed = failed;
    const chooser = find("locale");
    const named = LOCALES.map((code) => [code, ownName(code)]);
    named.sort(([, one], [, other]) => one.localeCompare(other, "und"));
    chooser.replaceChildren(...named.map(([code, name]) => make("option", { value: code, lang: code, dir: direction(name) }, name)));
    chooser.addEventListener("change", () => this.choose(chooser.value));
  }

  /** Speak the language that the tab keeps, or else the browser's. */
  async start() {
    const kept = stored((storage) => storage.getItem(PLACE));
    try {
      await this.use(LOCALES.includes(kept) ? kept : spoken(navigator.languages));
    } catch (error) {
      document.body.prepend("This page did not load whole. Please load it again.");
      throw error;
    }
  }

  async choose(code) {
    try {
      if (await this.use(code)) stored((storage) => storage.setItem(PLACE, code));
    } catch {
      find("locale").value = this.locale;
      this.failed(() => this.choose(code));
    }
  }

  // Whether it is spoken now: not where another was chosen meanwhile.
  async use(code) {
    const choice = (this.chosen += 1);
    let table;
    try {
      table = await tableOf(code);
    } catch (error) {
      if (choice !== this.chosen) return false;
      throw error;
    }
    if (choice !== this.chosen) return false;
    speak(code, table);
    this.locale = code;
    const root = document.documentElement;
    root.lang = code;
    root.dir = direction(ownName(code));
    find("locale").value = code;
    fill();
    this.changed();
    return true;
  }
}

// What stands in the page from its beginning: its elements name their texts.
function fill() {
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", text(element.dataset.label));
  find("question").placeholder = text("placeholder");
  const key = (name) => make("kbd", {}, name);
  const keys = { slash: key("/"), enter: key("Enter"), arrows: [key("↓"), " ", key("↑")], escape: key("Esc") };
  find("keys-help").replaceChildren(...parts("keys_help", keys).flat());
  find("slash-label").replaceChildren(...parts("use_slash", { slash: key("/") }));
}
