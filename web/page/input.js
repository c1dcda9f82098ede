// @ts-check
// The search bar: words typed, files picked, pasted or dropped, and the terms as chips.

/** @import { ItemTerm, Term } from "./state.js" */
import * as api from "./api.js";
import { drawChips } from "./chips.js";
import { find } from "./element.js";
import { fileName } from "./format.js";
import { add, name, remove, state, weigh } from "./state.js";

const chips = find("chips", HTMLUListElement);
const dropHere = find("drop", HTMLDivElement);
const files = find("files", HTMLInputElement);
const text = find("text", HTMLInputElement);

/**
 * Follow what the user types, picks, pastes and drops.
 * @param {() => void} again is called when the user asks without new words
 */
export function begin(again) {
  find("query", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (!addWords()) again();
  });
  text.addEventListener("keydown", ({ key }) => {
    const last = state.terms.at(-1);
    if (key === "Backspace" && !text.value && last) drop(last);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.matches("input, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    text.focus();
  });
  find("attach", HTMLButtonElement).addEventListener("click", () => files.click());
  files.addEventListener("change", () => {
    addFiles(files.files);
    files.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    addFiles(event.clipboardData.files);
  });
  followDrags();
  text.focus({ preventScroll: true });
}

function followDrags() {
  /** @param {DragEvent} event */
  const carriesFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    dropHere.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dropHere.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    dropHere.hidden = true;
    addFiles(event.dataTransfer?.files);
  });
}

/** Draw the terms. */
export function draw() {
  drawChips(chips, state.terms, (term) => ({
    weighed: (weight, done) => weigh(term, weight, done),
    removed: () => drop(term),
  }));
  text.placeholder = state.terms.length
    ? "Add words, or \u201c- words\u201d to steer away"
    : "Describe it, or drop a picture, a sound, a video, a 3D model";
  document.body.classList.toggle("idle", !state.terms.length);
}

/** @param {number} length the most characters that the server takes */
export function limitText(length) {
  text.maxLength = length;
}

/** Ask for the names of items that came from an address: there they are ids. */
export function nameItems() {
  for (const term of state.terms) {
    if (term.kind === "item" && !term.label) ask(term);
  }
}

/** @param {ItemTerm} term */
async function ask(term) {
  try {
    const { path, modality } = await api.item(term.value);
    name(term, fileName(path), modality);
  } catch (error) {
    if (!(error instanceof api.Problem)) throw error;
  }
}

function addWords() {
  const words = text.value.trim();
  text.value = "";
  if (!words) return false;
  const [, sign = "+", value = words] = /^([+\-\u2212])\s+(.+)$/s.exec(words) ?? [];
  add({ kind: "text", value, weight: sign === "+" ? 1 : -1 });
  return true;
}

/** @param {FileList | null | undefined} picked */
function addFiles(picked) {
  add(...[...(picked ?? [])].map((file) => /** @type {Term} */ ({ kind: "file", value: file, weight: 1 })));
}

/** @param {Term} term */
function drop(term) {
  remove(term);
  text.focus();
}
