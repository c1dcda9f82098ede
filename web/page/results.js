// @ts-check
// The results: asks for the query, and draws the answer as cards.

/** @import { Found, Hit, Problem } from "./api.js" */
/** @import { Modality } from "./kinds.js" */
/** @import { Query, Term } from "./state.js" */
import * as api from "./api.js";
import { card, ghost } from "./cards.js";
import { element, find, icon } from "./element.js";
import { spent } from "./format.js";
import { KINDS } from "./kinds.js";
import { hide, present, say, tell } from "./message.js";
import { add, addHit, more, snapshot, state } from "./state.js";
import { view, where } from "./viewer.js";

const EXAMPLES = ["a dog barking", "waves at night", "something made of wood"];
const WAITING_MS = 150; // Before "Searching" is shown: quick answers do not flicker.
const grid = find("hits", HTMLUListElement);
const moreButton = find("more", HTMLButtonElement);

/** @type {AbortController | null} */
let running = null;
let timer = 0;
/** @type {(problem: Problem) => void} */
let failed = () => {};

/**
 * Follow the button for more results.
 * @param {(problem: Problem) => void} act is called when a search fails
 */
export function begin(act) {
  failed = act;
  moreButton.addEventListener("click", more);
}

/**
 * Ask for the query.
 * @param {number} [delay] in milliseconds
 */
export function ask(delay = 0) {
  clearTimeout(timer);
  timer = setTimeout(search, delay);
}

async function search() {
  running?.abort();
  running = null;
  if (!state.terms.length) return welcome();
  const mine = (running = new AbortController());
  const asked = { ...snapshot(), limit: state.limit };
  const waiting = setTimeout(drawWaiting, WAITING_MS);
  try {
    draw(await api.search(asked, mine.signal), asked);
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!(error instanceof api.Problem)) throw error;
    failed(error);
  } finally {
    clearTimeout(waiting);
    if (running === mine) grid.ariaBusy = "false";
  }
}

function drawWaiting() {
  grid.ariaBusy = "true";
  hide();
  say("Searching\u2026");
  if (!grid.querySelector(".card:not(.ghost)")) grid.replaceChildren(...Array.from({ length: 8 }, ghost));
}

/**
 * @param {Found} found
 * @param {Query & { limit: number }} asked
 */
function draw({ hits, took_ms, nothing_matches }, { terms, lanes, limit }) {
  const rows = Map.groupBy(hits, ({ modality }) => (lanes ? modality : null));
  hide();
  grid.replaceChildren(...[...rows].flatMap(([kind, row]) => [...(kind ? [head(kind)] : []), ...row.map((hit) => cardOf(hit, terms))]));
  moreButton.hidden = limit >= state.limits.hits || [...rows.values()].every((row) => row.length < limit);
  const least = nothing_matches && hits.length ? ". Nothing matches well: these are only the least bad" : "";
  say(`${hits.length} ${hits.length === 1 ? "result" : "results"} in ${spent(took_ms.total ?? 0)}${least}`);
  if (!hits.length) tell("Nothing of this kind is indexed.", "Choose \u201cAll\u201d, or index more with omnisearch index.");
}

/** @param {Modality} kind */
function head(kind) {
  return element("li", { className: `lane ${kind}` }, element("h2", {}, icon(kind), KINDS[kind].many));
}

/**
 * @param {Hit} hit
 * @param {Term[]} terms that found it
 */
function cardOf(hit, terms) {
  return card(hit, {
    added(weight) {
      window.scrollTo({ top: 0, behavior: "smooth" });
      addHit(hit, weight);
    },
    viewed: view,
    located: (name) => where(hit, name, terms),
  });
}

/** Remove the results. */
export function clear() {
  grid.replaceChildren();
  moreButton.hidden = true;
  say("");
}

function welcome() {
  clear();
  const tries = EXAMPLES.map((value) => {
    const button = element("button", { type: "button" }, value);
    button.addEventListener("click", () => add({ kind: "text", value, weight: 1 }));
    return button;
  });
  present(
    element("p", { className: "tries" }, "Try ", ...tries),
    element("p", { className: "hint" }, "Mix words, pictures, sounds, videos and 3D models. Each can pull the results closer (+) or push them away (\u2212)."),
  );
}
