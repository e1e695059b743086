// What went wrong, in the reader's language.

import { make } from "./dom.js";
import { text } from "./strings.js";

const FINAL = ["unusable", "too_large", "missing"]; // the same again would fail again
const DETAILED = ["unusable", "forbidden", "other"]; // the service's own words say more

/** The nodes that tell of a ServiceError; `again` is called by who wants to try once more. */
export function told(error, again) {
  const words = text(`error_${error.kind}`, { n: error.retryAfter ?? 1 });
  return [
    make("p", {}, words, DETAILED.includes(error.kind) && error.message
      ? [" ", make("bdi", { lang: "en", dir: "auto" }, error.message)]
      : null),
    FINAL.includes(error.kind) ? "" : make("button", { type: "button", class: "quiet", click: again }, text("retry")),
  ];
}
