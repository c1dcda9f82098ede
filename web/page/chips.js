// @ts-check
// The terms of the query as chips: a sign, a face, a weight, and a way out.

/** @import { Term } from "./state.js" */
import { previewOf } from "./api.js";
import { element, icon } from "./element.js";
import { kindOf } from "./kinds.js";
import { MAX_WEIGHT } from "./state.js";

/** @typedef {{ weighed: (weight: number, done: boolean) => void, removed: () => void }} Acts what a chip calls */

/** @type {Map<File, string>} Object URLs of the pictures on chips. */
const pictures = new Map();

/**
 * Draw the chips of these terms, and revoke the object URLs of files that are no longer among them.
 * @param {Element} list
 * @param {Term[]} terms
 * @param {(term: Term) => Acts} acts
 */
export function drawChips(list, terms, acts) {
  list.replaceChildren(...terms.map((term) => chip(term, acts(term))));
  const files = new Set(terms.map(({ value }) => value));
  for (const [file, url] of pictures) {
    if (files.has(file)) continue;
    URL.revokeObjectURL(url);
    pictures.delete(file);
  }
}

/**
 * One chip. It draws itself when its weight changes: another one would take the slider out of the user's hand.
 * @param {Term} term
 * @param {Acts} acts
 */
function chip(term, { weighed, removed }) {
  const name = nameOf(term);
  const sign = element("button", { type: "button", className: "sign" });
  const number = element("output", { className: "number" });
  const slider = element("input", { type: "range", min: "0.1", max: String(MAX_WEIGHT), step: "0.1", ariaLabel: `Weight of ${name}` });
  const remove = element("button", { type: "button", className: "remove", ariaLabel: `Remove ${name}` }, icon("close"));
  const label = element("bdi", { className: "name", title: name }, name);
  const node = element("li", { className: "chip" }, sign, face(term), label, slider, number, remove);

  function show() {
    const less = term.weight < 0;
    node.classList.toggle("less", less);
    sign.textContent = less ? "\u2212" : "+";
    sign.title = less ? "Less like this: click for more" : "More like this: click for less";
    sign.ariaLabel = `${less ? "Less" : "More"} like ${name}`;
    sign.ariaPressed = String(less);
    slider.value = String(Math.abs(term.weight));
    number.value = Math.abs(term.weight).toFixed(1);
  }

  /**
   * @param {number} weight
   * @param {boolean} done
   */
  function weigh(weight, done) {
    weighed(weight, done);
    show();
  }

  sign.addEventListener("click", () => weigh(-term.weight, true));
  slider.addEventListener("input", () => weigh(Math.sign(term.weight) * Number(slider.value), false));
  slider.addEventListener("change", () => weigh(Math.sign(term.weight) * Number(slider.value), true));
  remove.addEventListener("click", removed);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      removed();
    }
  });
  show();
  return node;
}

/** @param {Term} term */
function nameOf(term) {
  if (term.kind === "file") return term.value.name;
  return (term.kind === "item" ? term.label : null) ?? term.value;
}

/** @param {Term} term */
function face(term) {
  if (term.kind === "text") return null;
  const kind = term.kind === "file" ? kindOf(term.value) : (term.modality ?? "image");
  const symbol = element("span", { className: `face ${kind}` }, icon(kind));
  if (term.kind === "file" && kind !== "image") return symbol;
  if (term.kind === "item" && kind === "text") return symbol;
  const picture = element("img", { className: "face", alt: "", src: term.kind === "file" ? local(term.value) : previewOf(term.value) });
  picture.addEventListener("error", () => picture.replaceWith(symbol));
  return picture;
}

/** @param {File} file */
function local(file) {
  const url = pictures.get(file) ?? URL.createObjectURL(file);
  pictures.set(file, url);
  return url;
}
