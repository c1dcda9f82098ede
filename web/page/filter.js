// @ts-check
// The kinds of results: one of them or all, and whether each has a row of its own.

/** @import { Modality } from "./kinds.js" */
import { element, find, icon } from "./element.js";
import { KINDS, MODALITIES } from "./kinds.js";
import { separate, show, state } from "./state.js";

const kinds = find("kinds", HTMLFieldSetElement);
const lanes = find("lanes", HTMLInputElement);

/** @type {Map<Modality | "", HTMLInputElement>} */
const radios = new Map();
/** @type {Map<string, HTMLElement>} */
const counts = new Map();

/** Make the choices, and follow them. */
export function begin() {
  choice("", "All", "all");
  for (const kind of MODALITIES) choice(kind, KINDS[kind].many, kind);
  lanes.addEventListener("change", () => separate(lanes.checked));
}

/**
 * @param {Modality | ""} kind
 * @param {string} words
 * @param {string} symbol
 */
function choice(kind, words, symbol) {
  const radio = element("input", { type: "radio", name: "kind", value: kind });
  const count = kind ? element("small") : null;
  radio.addEventListener("change", () => show(kind));
  radios.set(kind, radio);
  if (count) counts.set(kind, count);
  kinds.lastElementChild?.before(element("label", { className: kind }, radio, icon(symbol), element("span", {}, words), count));
}

/** Mark what is chosen. */
export function draw() {
  for (const [kind, radio] of radios) radio.checked = kind === state.modality;
  lanes.checked = state.lanes;
}

/**
 * Show how many segments there are of each kind.
 * @param {Record<string, number>} segments
 */
export function drawCounts(segments) {
  for (const [kind, count] of Object.entries(segments)) counts.get(kind)?.replaceChildren(count.toLocaleString());
}
