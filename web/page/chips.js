// The terms of the query as chips: a sign, a face, a weight, and a way out.

import { previewOf } from "./api.js";
import { element, icon } from "./element.js";
import { kindOf } from "./kinds.js";

const pictures = new WeakMap();

/** One chip. `changed(settled)` is called after the term's weight moved, `removed()` when the term shall go. */
export function chip(term, { changed, removed }) {
  const name = term.label ?? (term.kind === "file" ? term.value.name : term.value);
  const sign = element("button", { type: "button", className: "sign" });
  const number = element("output", { className: "number" });
  const slider = element("input", { type: "range", min: "0.1", max: "2", step: "0.1", ariaLabel: `Weight of ${name}` });
  const remove = element("button", { type: "button", className: "remove", ariaLabel: `Remove ${name}` }, icon("close"));
  const label = element("bdi", { className: "name", title: name }, name);
  const node = element("li", { className: "chip" }, sign, face(term), label, slider, number, remove);

  function show() {
    const less = term.weight < 0;
    node.classList.toggle("less", less);
    sign.textContent = less ? "\u2212" : "+";
    sign.title = less ? "Less like this: click for more" : "More like this: click for less";
    sign.ariaLabel = `${less ? "Less" : "More"} like ${name}`;
    sign.setAttribute("aria-pressed", String(less));
    slider.value = String(Math.abs(term.weight));
    number.value = Math.abs(term.weight).toFixed(1);
  }

  sign.addEventListener("click", () => {
    term.weight = -term.weight;
    show();
    changed(true);
  });
  for (const [event, settled] of [["input", false], ["change", true]]) {
    slider.addEventListener(event, () => {
      term.weight = Math.sign(term.weight) * Number(slider.value);
      show();
      changed(settled);
    });
  }
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

function local(file) {
  if (!pictures.has(file)) pictures.set(file, URL.createObjectURL(file));
  return pictures.get(file);
}
