// The page: reads the form and the address, asks the service, shows what comes.

import { AnswerView } from "./answer.js";
import * as api from "./api.js";
import { find, goTo, make, show } from "./dom.js";
import { told } from "./errors.js";
import { hitItem } from "./hits.js";
import { KeyPanel } from "./key.js";
import { Languages } from "./languages.js";
import { LocaleChooser } from "./locale.js";
import { notes, searchedToo } from "./notes.js";
import { Said } from "./said.js";
import { Scope } from "./scope.js";
import { put, redraw } from "./shown.js";
import { seconds, text } from "./strings.js";
import { calm, isLanguageCode } from "./text.js";
import { trust } from "./weak.js";

const FIRST = 10;
const MOST = 100;

const state = { reading: null, running: null, k: FIRST, asked: "", folded: false };
const question = find("question");
const locale = new LocaleChooser(redraw, (again) => fail(new api.ServiceError("network"), again));
const languages = new Languages(() => {
  if (!state.asked) return;
  if (mode() === "search") run();
  else say(() => text("ask_again")); // an answer costs more than a click on a box should
});
const key = new KeyPanel(() => start());
const said = new Said(() => {
  clear();
  history.pushState(null, "", address());
  question.focus();
});
const scope = new Scope(() => restrict(null), rescoped, (language) => languages.hues.of(language));

const picture = (image) => api.thumbnail(image, { key: key.value });
const mode = () => document.querySelector("input[name=mode]:checked").value;
const say = (words) => put("status", () => find("status").replaceChildren(...[words()].flat()));
const counted = (key, n) => text(key, { n });

// -- the address -------------------------------------------------------------------------------

function address() {
  const parts = new URLSearchParams();
  if (state.asked) parts.set("q", state.asked);
  if (mode() !== "search") parts.set("mode", mode());
  if (languages.restriction) parts.set("lang", languages.restriction.join(","));
  scope.write(parts);
  return `#${parts}`;
}

const addressed = () => new URLSearchParams(location.hash.slice(1));

function readAddress() {
  const parts = addressed();
  if (parts.has("q")) question.value = parts.get("q").slice(0, 10000);
  setMode(parts.get("mode") === "ask" ? "ask" : "search");
  languages.choose((parts.get("lang") ?? "").split(",").filter(isLanguageCode).slice(0, 100));
}

// Ask what the address holds; what is to be asked of one passage is never asked of all.
async function askAddressed() {
  const reading = { due: addressed().has("q") };
  state.reading = reading;
  try {
    await scope.read(addressed(), (id) => api.readDocument(id, { key: key.value }));
  } catch (error) {
    if (state.reading !== reading) return;
    state.reading = null;
    return fail(error, askAddressed);
  }
  if (state.reading !== reading) return; // something else was asked meanwhile
  state.reading = null;
  if (reading.due) await run();
}

// What is being read or asked is no longer wanted.
function giveUp() {
  state.reading = null;
  state.running?.abort();
}

// Ask about one passage from now on, or about all: what stands there was answered from others.
function restrict(place) {
  scope.set(place);
  if (place !== null) {
    setMode("ask");
    question.select(); // typing takes the place of the question before, Enter asks it again
  }
  rescoped();
  question.focus();
  find("scope").scrollIntoView({ block: "nearest" });
}

// The next question goes elsewhere: its address says so, and what was answered before is put away.
function rescoped() {
  giveUp();
  said.ask();
  for (const id of ["answer", "hits"]) show(find(id), false);
  say(() => scope.title);
  state.asked = "";
  history.pushState(null, "", address());
}

// -- asking ------------------------------------------------------------------------------------

async function run({ more = false } = {}) {
  const asked = question.value.trim();
  if (!asked) {
    say(() => text("no_question"));
    question.focus();
    return;
  }
  giveUp();
  const running = new AbortController();
  state.running = running;
  state.asked = asked;
  state.k = more ? Math.min(MOST, state.k + FIRST) : FIRST;
  if (address() !== location.hash) history.pushState(null, "", address());
  titled();
  document.body.classList.add("asked");
  if (!state.folded) {
    find("filter").open = false; // the results take its place; who opens it again keeps it open
    state.folded = true;
  }
  alarm(() => []);
  show(find("answer"), false);
  if (mode() === "ask" && !more) show(find("hits"), false);
  find("hits").classList.add("stale"); // what stands there stays until something takes its place
  const answering = mode() === "ask" && !more;
  if (answering) said.ask(asked);
  else if (mode() === "search") said.hide();
  const body = { question: asked, languages: scope.where ? null : languages.restriction, where: scope.where, evidence: true };
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
  const begun = performance.now();
  say(() => text("searching"));
  const before = more ? find("hits").querySelectorAll("article").length : 0;
  const reply = await api.search({ ...body, k: state.k }, options);
  const took = (performance.now() - begun) / 1000;
  const rest = reply.hits.length === state.k && state.k < MOST;
  showHits(reply, () => text("passages_title"), { listed: true, more: rest });
  if (more) goTo(find("hits").querySelectorAll("article")[before] ?? find("hits-title"));
  const trusted = trust(reply);
  if (trusted === "none") return say(() => text(body.languages ? "nothing_filtered" : "nothing"));
  const tongues = new Set(reply.hits.map((hit) => hit.language)).size;
  say(() => [
    trusted === "weak" ? make("strong", {}, text("weak_note"), " ") : "",
    [counted("passages", reply.hits.length), counted("languages", tongues), seconds(took)].join(" · "),
  ]);
}

async function runAsk(body, options) {
  const begun = performance.now();
  let view = null;
  say(() => text("reading"));
  show(find("stop"), true);
  const begin = () => {
    view = new AnswerView(find("answer"), languages.hues, restrict);
    show(find("answer"), true);
    return view;
  };
  options.signal.addEventListener("abort", () => view?.end("stopped_note"), { once: true });
  try {
    for await (const { event, data } of api.ask(body, options)) {
      if (event === "text") {
        if (view === null) say(() => text("writing"));
        (view ?? begin()).add(data.text);
      } else if (event === "answer") {
        (view ?? begin()).finish(data);
        view = null; // it is complete: nothing can cut it short any more
        said.add(body.question, data);
        answered(data, body, (performance.now() - begun) / 1000);
      }
    }
  } catch (error) {
    if (!options.signal.aborted) view?.end("broken_note");
    throw error;
  }
}

// What is said of a whole answer: where there is none, the nearest passages stand open below.
function answered(reply, body, took) {
  const none = trust(reply) === "none";
  showHits(reply, () => none
    ? text("nearest_title")
    : text("read_title", { passages: counted("passages", reply.hits.length) }), { folded: !none });
  say(() => none
    ? text(body.where ? "unanswered_here" : "unanswered")
    : `${counted("answered", reply.citations.length)} · ${seconds(took)}`);
}

// Passages under a title; `listed`: they are what was asked for, and the status line says so.
function showHits(reply, title, { folded = false, listed = false, more = false }) {
  const section = find("hits");
  put("hits", () => {
    const items = make("ol", { class: "hits" }, reply.hits.map((hit, index) =>
      hitItem(hit, { hues: languages.hues, evidence: reply.evidence[index], about: restrict, picture })));
    const heading = make("h2", { id: "hits-title", tabindex: "-1", class: listed ? "hidden" : null }, title());
    // Of an answer, its own notes tell it.
    const also = notes(listed ? searchedToo(reply.hits[0]?.parts.translations ?? []) : []);
    if (folded) section.replaceChildren(make("details", {}, make("summary", {}, heading), items));
    else section.replaceChildren(heading, also, items);
    if (more) section.append(make("button", { type: "button", class: "quiet more", click: () => run({ more }) }, text("more")));
  });
  show(section, reply.hits.length > 0);
}

// Nothing was said: the next question begins a conversation.
function forget() {
  giveUp();
  said.forget();
}

// As it was before the first question.
function clear() {
  forget();
  state.asked = "";
  question.value = "";
  titled();
  document.body.classList.remove("asked");
  alarm(() => []);
  for (const id of ["answer", "hits"]) show(find(id), false);
  say(() => "");
}

function stop() {
  if (find("stop").hidden) return;
  state.running?.abort();
  say(() => text("stopped"));
  question.focus();
}

// -- errors ------------------------------------------------------------------------------------

const alarm = (nodes) => put("alert", () => find("alert").replaceChildren(...nodes()));

function fail(error, again = run) {
  say(() => "");
  if (error.kind === "key") return key.want(key.value ? "key_wrong" : "key_wanted");
  if (error.kind === "forbidden" && key.value) return key.want("key_may_not");
  const retry = () => {
    alarm(() => []);
    goTo(find("main")); // the button is gone, and the focus with it
    again();
  };
  alarm(() => told(error, retry));
}

// -- the start, and keys -----------------------------------------------------------------------

async function start() {
  alarm(() => []);
  try {
    const held = await api.knowledgeBase({ key: key.value });
    key.accepted();
    languages.tell(held.languages);
    put("holds", () => (find("holds").textContent = [
      counted("documents", held.documents), counted("passages", held.chunks), counted("languages", held.languages.length),
    ].join(" · ")));
  } catch (error) {
    return fail(error, start);
  }
  await askAddressed();
}

function setMode(wanted) {
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.checked = radio.value === wanted;
  put("submit", () => (find("submit").textContent = text(mode() === "ask" ? "ask" : "search")));
}

function titled() {
  document.title = state.asked ? `${calm(state.asked.slice(0, 80))} – ${text("title")}` : text("title");
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

find("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.reading === null) return run();
  state.reading.due = true; // once it is known what the question goes to
  say(() => text(mode() === "ask" ? "reading" : "searching"));
});
find("ask-form").addEventListener("change", (event) => event.target.name === "mode" && setMode(mode()));
find("stop").addEventListener("click", stop);
find("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the question
  goTo(find("main"));
});
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), select, textarea");
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
  if (addressed().has("q")) forget(); // an address holds one question
  else clear();
  readAddress();
  askAddressed();
});

await locale.start();
put("title", titled);
readAddress();
await start();
