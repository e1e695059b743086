// The API key: in memory, or in this tab's storage if its user wants that; nowhere else.

import { find, show } from "./dom.js";
import { text } from "./strings.js";

const PLACE = "rag_engine.key";

function stored(action) {
  try {
    return action(sessionStorage);
  } catch {
    return null; // storage is switched off
  }
}

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
    find("key-toggle").textContent = text("key_on");
  }

  /** Ask for a key, and say why. */
  want(why) {
    show(find("key-toggle"), true);
    find("key-toggle").textContent = text("key");
    show(find("key-forget"), this.value !== "");
    this.open(true);
    find("key-title").textContent = why;
    find("key").focus();
  }

  open(visible) {
    show(find("key-panel"), visible);
    find("key-toggle").setAttribute("aria-expanded", String(visible));
  }
}
