// The API key: in memory, or in this tab's storage if its user wants that; nowhere else.

import { find, show } from "./dom.js";
import { put } from "./shown.js";
import { stored } from "./stored.js";
import { text } from "./strings.js";

const PLACE = "rag_engine.key";

export class KeyPanel {
  constructor(changed) {
    this.value = stored((storage) => storage.getItem(PLACE)) ?? "";
    find("key-keep").checked = this.value !== "";
    find("key-panel").addEventListener("submit", (event) => {
      event.preventDefault();
      this.use(find("key").value.trim());
      changed();
    });
    find("key-forget").addEventListener("click", () => {
      this.use("");
      changed();
    });
    find("key-toggle").addEventListener("click", () => {
      this.open(find("key-panel").hidden);
      if (!find("key-panel").hidden) find("key").focus();
    });
  }

  use(value) {
    this.value = value;
    find("key").value = "";
    stored((storage) => storage.removeItem(PLACE));
    if (value && find("key-keep").checked) stored((storage) => storage.setItem(PLACE, value));
  }

  /** The service knows the key, or wants none. */
  accepted() {
    this.open(false);
    show(find("key-toggle"), this.value !== "");
    show(find("key-forget"), this.value !== "");
    this.say("key_on", "key_wanted");
  }

  /** Ask for a key, and say why: the key of a text. */
  want(why) {
    show(find("key-toggle"), true);
    show(find("key-forget"), this.value !== "");
    this.open(true);
    this.say("key", why);
    find("key").focus();
  }

  say(toggle, title) {
    put("key", () => {
      find("key-toggle").textContent = text(toggle);
      find("key-title").textContent = text(title);
    });
  }

  open(visible) {
    show(find("key-panel"), visible);
    find("key-toggle").setAttribute("aria-expanded", String(visible));
  }
}
