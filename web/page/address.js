// @ts-check
// The query in the address bar: ?text=1:dog&item=-0.5:ID&in=image, and &lanes for a row of each kind. A file stays on
// this machine and out of the address.

/** @import { Query } from "./state.js" */
import { isModality } from "./kinds.js";
import { MAX_WEIGHT } from "./state.js";

/** @param {Query} query */
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

/**
 * @param {string} search
 * @returns {Query}
 */
export function read(search) {
  /** @type {Query} */
  const query = { terms: [], modality: "", lanes: false };
  for (const [name, text] of new URLSearchParams(search)) {
    const [, number, value] = /^(-?\d+(?:\.\d+)?):(.+)$/s.exec(text) ?? [];
    if (name === "in" && isModality(text)) query.modality = text;
    else if (name === "lanes") query.lanes = true;
    else if ((name === "text" || name === "item") && value && Number(number)) {
      query.terms.push({ kind: name, value, weight: Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, Number(number))) });
    }
  }
  return query;
}
