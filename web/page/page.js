// The search page: terms in, cards out. The query is the one piece of state; everything shown is drawn from it.

import * as address from "./address.js";
import * as api from "./api.js";
import { card, ghost } from "./cards.js";
import { chip } from "./chips.js";
import { element, icon } from "./element.js";
import { KINDS } from "./kinds.js";
import { view, where } from "./viewer.js";

const PAGE = 40;
const LANE = 8; // of each kind, where every kind has its own row
const MOST = 200;
const MAX_TERMS = 16;
const EXAMPLES = ["a dog barking", "waves at night", "something made of wood"];

const $ = (id) => document.getElementById(id);
const state = { terms: [], modality: "", lanes: false, limit: PAGE };
// What each step of the history asked. A file cannot travel in an address, but Back and Forward find it here.
const steps = [];
let running = null;
let timer = 0;

// ---- the query

function add(...terms) {
  const room = MAX_TERMS - state.terms.length;
  if (terms.length > room) say(`A query holds at most ${MAX_TERMS} terms.`);
  state.terms.push(...terms.slice(0, room));
  changed();
}

function addWords() {
  const text = $("text").value.trim();
  $("text").value = "";
  if (!text) return false;
  const [, sign, rest] = /^([+\-\u2212])\s+(.+)$/s.exec(text) ?? [null, "+", text];
  add({ kind: "text", value: rest, weight: sign === "+" ? 1 : -1 });
  return true;
}

function remove(term) {
  state.terms.splice(state.terms.indexOf(term), 1);
  changed();
  $("text").focus();
}

/** Draw the query, put it into the address, and ask. A slider under way (`settled` false) asks a little later. */
function changed(settled = true) {
  state.limit = page();
  if (settled) {
    drawQuery();
    remember("pushState");
  }
  clearTimeout(timer);
  timer = setTimeout(ask, settled ? 0 : 300);
}

/** How many hits there are at first. */
const page = () => (state.lanes ? LANE : PAGE);

function remember(how) {
  const step = how === "pushState" ? steps.length : (history.state?.step ?? steps.length);
  steps[step] = { ...state, terms: state.terms.map((term) => ({ ...term })) };
  history[how]({ step }, "", address.write(state));
}

function drawQuery() {
  const act = (term) => ({ changed: weightChanged, removed: () => remove(term) });
  $("chips").replaceChildren(...state.terms.map((term) => chip(term, act(term))));
  for (const radio of $("kinds").querySelectorAll("[type=radio]")) radio.checked = radio.value === state.modality;
  $("lanes").checked = state.lanes;
  $("text").placeholder = state.terms.length
    ? "Add words, or \u201c- words\u201d to steer away"
    : "Describe it, or drop a picture, a sound, a video, a 3D model";
  document.body.classList.toggle("idle", !state.terms.length);
}

/** The chip draws itself; redrawing all would take the slider out of the user's hand. */
function weightChanged(settled) {
  if (settled) remember("replaceState");
  changed(false);
}

// ---- asking

async function ask() {
  running?.abort();
  running = null;
  if (!state.terms.length) return welcome();
  const mine = (running = new AbortController());
  const waiting = setTimeout(() => drawWaiting(), 150);
  try {
    const asked = state.terms.map((term) => ({ ...term }));
    drawHits(await api.search(state, mine.signal), asked);
  } catch (error) {
    if (error.name === "AbortError") return;
    drawProblem(error);
  } finally {
    clearTimeout(waiting);
    if (running === mine) $("hits").ariaBusy = "false";
  }
}

function drawWaiting() {
  $("hits").ariaBusy = "true";
  $("message").hidden = true;
  say("Searching\u2026");
  if (!$("hits").querySelector(".card:not(.ghost)")) $("hits").replaceChildren(...Array.from({ length: 8 }, ghost));
}

function drawHits({ hits, took_ms, nothing_matches }, asked) {
  const lanes = Object.groupBy(hits, ({ modality }) => (state.lanes ? modality : ""));
  const act = (hit) => ({ added: (weight) => addHit(hit, weight), viewed: view, located: (name) => where(hit, name, asked) });
  const cards = (lane) => lane.map((hit) => card(hit, act(hit)));
  const drawn = Object.entries(lanes).flatMap(([kind, lane]) => [...(kind ? [laneHead(kind)] : []), ...cards(lane)]);
  $("message").hidden = true;
  $("hits").replaceChildren(...drawn);
  $("more").hidden = state.limit >= MOST || Object.values(lanes).every((lane) => lane.length < state.limit);
  const spent = took_ms.total < 1000 ? `${Math.round(took_ms.total)} ms` : `${(took_ms.total / 1000).toFixed(1)} s`;
  const least = nothing_matches && hits.length ? ". Nothing matches well: these are only the least bad" : "";
  say(`${hits.length} ${hits.length === 1 ? "result" : "results"} in ${spent}${least}`);
  if (!hits.length) tell("Nothing of this kind is indexed.", "Choose \u201cAll\u201d, or index more with omnisearch index.");
}

function laneHead(kind) {
  return element("li", { className: `lane ${kind}` }, element("h2", {}, icon(kind), KINDS[kind].many));
}

function addHit(hit, weight) {
  const known = state.terms.find((term) => term.kind === "item" && term.value === hit.id);
  window.scrollTo({ top: 0, behavior: "smooth" });
  if (known) {
    known.weight = weight;
    changed();
  } else add({ kind: "item", value: hit.id, weight, label: hit.path.split(/[/\\]/).pop(), modality: hit.modality });
}

function drawProblem(error) {
  $("hits").replaceChildren();
  $("more").hidden = true;
  say("");
  if (error.status === 401) return askForKey();
  const later = [0, 429, 503].includes(error.status);
  const again = element("button", { type: "button" }, "Try again");
  again.addEventListener("click", ask);
  tell(later ? "Not ready yet" : "That did not work", error.message, again);
}

/** The server has keys: ask for one, and begin again with it. */
function askForKey() {
  if (document.getElementById("key")) return;
  const key = element("input", { id: "key", type: "password", required: true, autocomplete: "off", ariaLabel: "Key" });
  const form = element("form", { className: "key" }, key, element("button", {}, "Use this key"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    api.useKey(key.value);
    $("message").replaceChildren();
    drawCounts();
    ask();
  });
  tell("This server asks for a key", "Whoever runs it can make one with omnisearch keys add.", form);
  key.focus();
}

function say(text) {
  $("status").textContent = text;
}

function tell(title, text, ...more) {
  $("message").replaceChildren(element("h2", {}, title), element("p", {}, text), ...more);
  $("message").hidden = false;
}

// ---- the first view

function welcome() {
  $("hits").replaceChildren();
  $("more").hidden = true;
  say("");
  const tries = EXAMPLES.map((text) => {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => add({ kind: "text", value: text, weight: 1 }));
    return button;
  });
  $("message").replaceChildren(
    element("p", { className: "tries" }, "Try ", ...tries),
    element("p", { className: "hint" }, "Mix words, pictures, sounds, videos and 3D models. Each can pull the results closer (+) or push them away (\u2212)."),
  );
  $("message").hidden = false;
}

async function drawCounts() {
  try {
    const { segments } = await api.status();
    for (const [kind, count] of Object.entries(segments)) {
      const place = document.querySelector(`#kinds [data-count="${kind}"]`);
      if (place) place.textContent = count.toLocaleString();
    }
    if ($("message").dataset.waiting) {
      delete $("message").dataset.waiting;
      ask();
    }
  } catch (error) {
    if (!(error instanceof api.Problem)) throw error;
    drawProblem(error);
    if (error.status === 401) return;
    $("message").dataset.waiting = "yes";
    setTimeout(drawCounts, 2000);
  }
}

function drawKinds() {
  const choices = [["", "All", "all"], ...Object.entries(KINDS).map(([kind, { many }]) => [kind, many, kind])];
  for (const [value, words, symbol] of choices) {
    const radio = element("input", { type: "radio", name: "kind", value });
    const count = value ? element("small", { "data-count": value }) : null;
    $("lanes").parentElement.before(element("label", { className: value }, radio, icon(symbol), element("span", {}, words), count));
  }
  $("kinds").addEventListener("change", ({ target }) => {
    if (target === $("lanes")) state.lanes = target.checked;
    else state.modality = target.value;
    changed();
  });
}

// ---- what the user does

function addFiles(files) {
  add(...[...files].map((file) => ({ kind: "file", value: file, weight: 1 })));
}

function listen() {
  $("query").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!addWords()) ask();
  });
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Backspace" && !$("text").value && state.terms.length) remove(state.terms.at(-1));
  });
  $("attach").addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", () => {
    addFiles($("files").files);
    $("files").value = "";
  });
  $("more").addEventListener("click", () => {
    state.limit = Math.min(MOST, 2 * state.limit);
    ask();
  });
  $("viewer").addEventListener("click", (event) => {
    if (event.target === $("viewer")) $("viewer").close();
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    addFiles(event.clipboardData.files);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, textarea") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    $("text").focus();
  });
  listenToDrops();
  window.addEventListener("popstate", (event) => restore(steps[event.state?.step] ?? address.read(location.search)));
}

function listenToDrops() {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    $("drop").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) $("drop").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    $("drop").hidden = true;
    addFiles(event.dataTransfer.files);
  });
}

function restore({ terms, modality, lanes }) {
  state.terms = terms.map((term) => ({ ...term }));
  state.modality = modality;
  state.lanes = lanes;
  state.limit = page();
  drawQuery();
  ask();
  for (const term of state.terms.filter(({ kind, label }) => kind === "item" && !label)) name(term);
}

/** An item in the address is an id; its name comes from the server. */
async function name(term) {
  try {
    const { path, modality } = await api.item(term.value);
    Object.assign(term, { label: path.split(/[/\\]/).pop(), modality });
    drawQuery();
  } catch (error) {
    if (!(error instanceof api.Problem)) throw error;
  }
}

drawKinds();
listen();
restore(address.read(location.search));
remember("replaceState");
drawCounts();
$("text").focus({ preventScroll: true });
