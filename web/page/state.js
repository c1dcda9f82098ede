// @ts-check
// The query: its terms, the kind of results, and how many of them. All that is shown is drawn from it.

/** @import { Hit, Limits } from "./api.js" */
/** @import { Modality } from "./kinds.js" */
import { fileName } from "./format.js";

/** @typedef {{ kind: "text", value: string, weight: number }} TextTerm */
/** @typedef {{ kind: "file", value: File, weight: number }} FileTerm */
/** @typedef {{ kind: "item", value: string, weight: number, label?: string, modality?: Modality }} ItemTerm `value` is the item's id */
/** @typedef {TextTerm | FileTerm | ItemTerm} Term */
/** @typedef {{ terms: Term[], modality: Modality | "", lanes: boolean }} Query with `lanes`, each kind has a row of its own */

/**
 * What changed. "step": terms or kinds, which Back undoes; "weight": a weight, "sliding" while its slider moves; "more":
 * the number of results; "restored": all of it, by Back or Forward; "named": the name of an item. "full": a term was
 * left out, since the query has as many as the server takes.
 * @typedef {"step" | "weight" | "sliding" | "more" | "restored" | "named" | "full"} Change
 */

const PAGE = 40;
const LANE = 8; // of each kind
export const MAX_WEIGHT = 2;

/** @type {Query & { limit: number, limits: Limits }} Until the limits are known, only the server refuses a query. */
export const state = { terms: [], modality: "", lanes: false, limit: PAGE, limits: { terms: Infinity, text: Infinity, hits: Infinity } };

/** @type {(change: Change) => void} */
let follow = () => {};

/**
 * Call this after each change.
 * @param {(change: Change) => void} act
 */
export function listen(act) {
  follow = act;
}

/** @param {Limits} limits what the server says that a query may hold */
export function limitTo(limits) {
  state.limits = limits;
}

/** @param {Change} change */
function changed(change) {
  state.limit = Math.min(state.limits.hits, state.lanes ? LANE : PAGE);
  follow(change);
}

/** @returns {Query} a copy of the query as it is now */
export const snapshot = () => ({ terms: copied(state.terms), modality: state.modality, lanes: state.lanes });

/** @param {Term[]} terms */
const copied = (terms) => terms.map((term) => ({ ...term }));

/** @param {Query} query */
export function restore({ terms, modality, lanes }) {
  Object.assign(state, { terms: copied(terms), modality, lanes });
  changed("restored");
}

/** @param {Term[]} terms */
export function add(...terms) {
  const fitting = terms.slice(0, Math.max(0, state.limits.terms - state.terms.length));
  state.terms.push(...fitting);
  if (fitting.length) changed("step");
  if (fitting.length < terms.length) follow("full");
}

/**
 * Add a hit as a term. If it is one, give it this weight.
 * @param {Hit} hit
 * @param {number} weight
 */
export function addHit({ id, path, modality }, weight) {
  const known = state.terms.find(({ kind, value }) => kind === "item" && value === id);
  if (!known) return add({ kind: "item", value: id, weight, label: fileName(path), modality });
  known.weight = weight;
  changed("step");
}

/** @param {Term} term */
export function remove(term) {
  state.terms = state.terms.filter((other) => other !== term);
  changed("step");
}

/**
 * @param {Term} term
 * @param {number} weight
 * @param {boolean} done false while its slider moves
 */
export function weigh(term, weight, done) {
  term.weight = weight;
  changed(done ? "weight" : "sliding");
}

/**
 * @param {ItemTerm} term
 * @param {string} label
 * @param {Modality} modality
 */
export function name(term, label, modality) {
  Object.assign(term, { label, modality });
  follow("named");
}

/** @param {Modality | ""} modality shows results of this kind only; "" shows all kinds */
export function show(modality) {
  state.modality = modality;
  changed("step");
}

/** @param {boolean} lanes */
export function separate(lanes) {
  state.lanes = lanes;
  changed("step");
}

export function more() {
  state.limit = Math.min(state.limits.hits, 2 * state.limit);
  follow("more");
}
