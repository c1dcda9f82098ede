// The query in the address bar: ?text=1:dog&item=-0.5:ID&in=image, and &lanes for a row of each kind. A file stays on
// this machine and out of the address.

import { KINDS } from "./kinds.js";

export function write({ terms, modality, lanes }) {
  const parts = new URLSearchParams();
  for (const { kind, value, weight } of terms) {
    if (kind !== "file") parts.append(kind, `${weight}:${value}`);
  }
  if (modality) parts.append("in", modality);
  if (lanes) parts.append("lanes", "");
  const text = parts.toString();
  return text ? `?${text}` : "./";
}

export function read(search) {
  const terms = [];
  let modality = "";
  let lanes = false;
  for (const [name, text] of new URLSearchParams(search)) {
    const [, number, value] = /^(-?\d+(?:\.\d+)?):(.+)$/s.exec(text) ?? [];
    if (name === "in" && text in KINDS) modality = text;
    else if (name === "lanes") lanes = true;
    else if ((name === "text" || name === "item") && value && Number(number)) {
      terms.push({ kind: name, value, weight: Math.max(-2, Math.min(2, Number(number))) });
    }
  }
  return { terms, modality, lanes };
}
