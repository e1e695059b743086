// The page: reads the form and the address, asks the service, shows what comes.

import { AnswerView } from "./answer.js";
import * as api from "./api.js";
import { find, goTo, make, show } from "./dom.js";
import { hitItem } from "./hits.js";
import { KeyPanel } from "./key.js";
import { Languages } from "./languages.js";
import { Said } from "./said.js";
import { list, text } from "./strings.js";
import { calm } from "./text.js";

const FIRST = 10;
const MOST = 100;

const state = { running: null, k: FIRST, asked: "", folded: false };
const question = find("question");
const languages = new Languages(() => {
  if (!state.asked) return;
  if (mode() === "search") run();
  else say(text("ask_again")); // an answer costs more than a click on a box should
});
const key = new KeyPanel(() => start());
const said = new Said(() => {
  history.pushState(null, "", location.pathname);
  clear();
  question.focus();
});

const mode = () => document.querySelector("input[name=mode]:checked").value;
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);
const say = (value) => (find("status").textContent = value);

// -- the address -------------------------------------------------------------------------------

function address() {
  const parts = new URLSearchParams({ q: question.value });
  if (mode() !== "search") parts.set("mode", mode());
  if (languages.restriction) parts.set("lang", languages.restriction.join(","));
  return `#${parts}`;
}

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  if (!parts.has("q")) return false;
  question.value = parts.get("q").slice(0, 10000);
  const wanted = parts.get("mode") === "ask" ? "ask" : "search";
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.checked = radio.value === wanted;
  languages.choose((parts.get("lang") ?? "").split(",").filter((code) => /^[A-Za-z0-9-]{1,40}$/.test(code)).slice(0, 100));
  showMode();
  return true;
}

// -- asking ------------------------------------------------------------------------------------

async function run({ more = false } = {}) {
  const asked = question.value.trim();
  if (!asked) {
    say(text("no_question"));
    question.focus();
    return;
  }
  state.running?.abort();
  const running = new AbortController();
  state.running = running;
  state.asked = asked;
  state.k = more ? Math.min(MOST, state.k + FIRST) : FIRST;
  if (address() !== location.hash) history.pushState(null, "", address());
  document.title = `${calm(asked.slice(0, 80))} – ${TITLE}`;
  document.body.classList.add("asked");
  if (!state.folded) {
    find("filter").open = false; // the results take its place; who opens it again keeps it open
    state.folded = true;
  }
  find("alert").replaceChildren();
  show(find("answer"), false);
  if (mode() === "ask" && !more) show(find("hits"), false);
  find("hits").classList.add("stale"); // what stands there stays until something takes its place
  const answering = mode() === "ask" && !more;
  if (answering) said.ask(asked);
  else if (mode() === "search") said.hide();
  const body = { question: asked, languages: languages.restriction, evidence: true };
  if (answering) body.history = said.history;
  const options = { key: key.value, signal: running.signal };
  try {
    if (answering) await runAsk(body, options);
    else await runSearch(body, options, more);
  } catch (error) {
    if (!running.signal.aborted) {
      if (!more) show(find("hits"), false);
      fail(error);
    }
  } finally {
    if (state.running === running) {
      state.running = null;
      find("hits").classList.remove("stale");
      show(find("stop"), false);
    }
  }
}

async function runSearch(body, options, more) {
  const since = performance.now();
  say(text("searching"));
  const before = more ? find("hits").querySelectorAll("article").length : 0;
  const reply = await api.search({ ...body, k: state.k }, options);
  showHits(reply, text("passages_title"), false);
  if (more) goTo(find("hits").querySelectorAll("article")[before] ?? find("hits-title"));
  if (!reply.hits.length) return say(text(body.languages ? "nothing_filtered" : "nothing"));
  const tongues = new Set(reply.hits.map((hit) => hit.language)).size;
  say(text("found", {
    passages: text("passages", { n: reply.hits.length }),
    languages: text("languages", { n: tongues }),
    seconds: seconds(since),
  }));
}

async function runAsk(body, options) {
  const since = performance.now();
  let view = null;
  say(text("reading"));
  show(find("stop"), true);
  const begun = () => {
    view = new AnswerView(find("answer"), languages.hues);
    show(find("answer"), true);
    return view;
  };
  options.signal.addEventListener("abort", () => view?.end(text("stopped_note")), { once: true });
  try {
    for await (const { event, data } of api.ask(body, options)) {
      if (event === "text") {
        if (view === null) say(text("writing"));
        (view ?? begun()).add(data.text);
      } else if (event === "answer") {
        (view ?? begun()).finish(data);
        said.add(body.question, data);
        showHits(data, text("read_title", { passages: text("passages", { n: data.hits.length }) }), true);
        say(data.supported
          ? text("answered", { sources: text("sources", { n: data.citations.length }), seconds: seconds(since) })
          : text("unanswered"));
        view = null; // it is complete: nothing can cut it short any more
      }
    }
  } catch (error) {
    if (!options.signal.aborted) view?.end(text("broken_note"));
    throw error;
  }
}

function showHits({ hits, evidence }, title, folded) {
  const section = find("hits");
  const items = make("ol", { class: "hits" }, hits.map((hit, index) => hitItem(hit, languages.hues, evidence[index])));
  const heading = make("h2", { id: "hits-title", tabindex: "-1" }, title);
  if (folded) section.replaceChildren(make("details", {}, make("summary", {}, heading), items));
  else section.replaceChildren(heading, items);
  heading.classList.toggle("hidden", !folded); // the status line says it already
  if (!folded && hits.length === state.k && state.k < MOST) {
    section.append(make("button", { type: "button", class: "quiet more", click: () => run({ more: true }) }, text("more")));
  }
  show(section, hits.length > 0);
}

// Nothing was said: the next question begins a conversation.
function forget() {
  state.running?.abort();
  said.forget();
}

// As it was before the first question.
function clear() {
  forget();
  state.asked = "";
  question.value = "";
  document.title = TITLE;
  document.body.classList.remove("asked");
  find("alert").replaceChildren();
  for (const id of ["answer", "hits"]) show(find(id), false);
  say("");
}

function stop() {
  if (find("stop").hidden) return;
  state.running?.abort();
  say(text("stopped"));
  question.focus();
}

// -- errors ------------------------------------------------------------------------------------

function fail(error) {
  say("");
  if (error.kind === "key") return key.want(text(key.value ? "key_wrong" : "key_wanted"));
  if (error.kind === "forbidden" && key.value) return key.want(text("key_may_not"));
  const wait = text("seconds", { n: error.retryAfter ?? 1 });
  const [id, values] = {
    busy: ["error_busy", { seconds: wait }],
    network: ["error_network"],
    cut: ["error_cut"],
    stopping: ["error_stopping"],
    too_large: ["error_too_large"],
    unusable: ["error_unusable", { message: error.message }],
    forbidden: ["error_forbidden", { message: error.message }],
    model: ["error_model", { message: error.message }],
  }[error.kind] ?? ["error_other", { message: error.message }];
  const again = make("button", { type: "button", class: "quiet", click: () => run() }, text("retry"));
  find("alert").replaceChildren(make("p", {}, text(id, values)), ["unusable", "too_large"].includes(error.kind) ? "" : again);
}

// -- the start, and keys -----------------------------------------------------------------------

async function start() {
  find("alert").replaceChildren();
  try {
    const held = await api.knowledgeBase({ key: key.value });
    key.accepted();
    languages.tell(held.languages);
    find("holds").textContent = text("holds", {
      documents: text("documents", { n: held.documents }),
      passages: text("passages", { n: held.chunks }),
      languages: text("languages", { n: held.languages.length }),
    });
  } catch (error) {
    fail(error);
    return;
  }
  if (question.value.trim() && location.hash.length > 1) await run();
}

function showMode() {
  find("submit").textContent = text(mode() === "ask" ? "ask" : "search");
}

function walk(event) {
  const articles = [...document.querySelectorAll("#main article")].filter((article) => article.checkVisibility({ contentVisibilityAuto: true }));
  const at = articles.indexOf(document.activeElement);
  const next = event.key === "ArrowDown" ? at + 1 : at - 1;
  if (document.activeElement === question ? event.key === "ArrowUp" || !articles.length : at === -1) return;
  event.preventDefault();
  if (next < 0) goTo(question);
  else if (next < articles.length) goTo(articles[next]);
}

const TITLE = document.title;
find("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
find("ask-form").addEventListener("change", (event) => event.target.name === "mode" && showMode());
find("stop").addEventListener("click", stop);
find("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the question
  goTo(find("main"));
});
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), textarea");
  if (event.key === "/" && !typing && find("slash").checked) {
    event.preventDefault();
    question.focus();
    question.select();
  } else if (event.key === "Escape" && !find("stop").hidden) {
    event.preventDefault();
    stop();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event);
});
addEventListener("popstate", () => {
  forget(); // an address holds one question
  if (readAddress()) run();
  else clear();
});
readAddress();
showMode();
start();
