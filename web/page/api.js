// @ts-check
// The HTTP API, as this page uses it. The types of its answers are made from the server's own description.

/** @import { components, paths } from "../types/api" */
/** @import { Query, Term } from "./state.js" */

/** @typedef {paths["/v1/search"]["post"]["responses"][200]["content"]["application/json"]} Found */
/** @typedef {paths["/v1/locate"]["post"]["responses"][200]["content"]["application/json"]} Located */
/** @typedef {paths["/v1/items/{item_id}"]["get"]["responses"][200]["content"]["application/json"]} Item */
/** @typedef {paths["/v1/status"]["get"]["responses"][200]["content"]["application/json"]} Status */
/** @typedef {Found["hits"][number]} Hit */
/** @typedef {Located["places"][number]} Place */
/** @typedef {Status["limits"]} Limits */
/** @typedef {components["schemas"]["SearchIn"]} SearchIn */
/** @typedef {components["schemas"]["LocateIn"]} LocateIn */
/** @typedef {Partial<components["schemas"]["TermIn"]>} TermIn */

/** An error that the server reported, or that it did not answer: then `status` is 0. */
export class Problem extends Error {
  /** @param {Partial<components["schemas"]["Problem"]>} answer */
  constructor({ title = "", detail = "", status = 0 }) {
    super(detail || title || "The server did not answer.");
    this.status = status;
  }
}

/** @param {string} id */
export const contentOf = (id) => `v1/items/${encodeURIComponent(id)}/content`;
/** @param {string} id */
export const previewOf = (id) => `v1/items/${encodeURIComponent(id)}/preview`;

/**
 * @param {string} id
 * @returns {Promise<Item>}
 */
export const item = (id) => ask(`v1/items/${encodeURIComponent(id)}`);

/** @returns {Promise<Status>} */
export const status = () => ask("v1/status");

/**
 * Find items.
 * @param {Query & { limit: number }} query
 * @param {AbortSignal} signal
 * @returns {Promise<Found>}
 */
export function search({ terms, modality, lanes, limit }, signal) {
  /** @type {Partial<SearchIn>} */
  const more = { limit, lanes, ...(modality ? { modalities: [modality] } : {}) };
  return post("v1/search", terms, more, signal);
}

/**
 * Find where in an item the terms are.
 * @param {Term[]} terms
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Located>}
 */
export function locate(terms, id, signal) {
  /** @type {Partial<LocateIn>} */
  const more = { item_id: id };
  return post("v1/locate", terms, more, signal);
}

/**
 * Send this key with every request from now on. It is a cookie, since pictures and sounds can send no header; it goes
 * with the browser's window.
 * @param {string} key
 */
export function useKey(key) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `omnisearch_key=${key.replace(/[^\w.~+/=-]/g, "")}; Path=${new URL("./", location.href).pathname}; SameSite=Strict${secure}`;
}

/**
 * Ask with terms. Files travel as parts of a multipart body.
 * @param {string} path
 * @param {Term[]} terms
 * @param {object} more
 * @param {AbortSignal} signal
 */
function post(path, terms, more, signal) {
  const form = new FormData();
  const query = terms.map((term, index) => {
    const name = `file${index}`;
    if (term.kind === "file") form.append(name, term.value, term.value.name);
    return sent(term, name);
  });
  const body = JSON.stringify({ query, ...more });
  if (![...form.keys()].length) {
    return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
  }
  form.append("query", body);
  return ask(path, { method: "POST", body: form, signal });
}

/**
 * A term as the API reads it.
 * @param {Term} term
 * @param {string} part names its part of the body, if it is a file
 * @returns {TermIn}
 */
function sent({ kind, value, weight }, part) {
  if (kind === "text") return { text: value, weight };
  if (kind === "item") return { item_id: value, weight };
  return { file: part, weight };
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem({ title: "The server cannot be reached. Is it still running?" });
  }
  const answer = await response.json().catch(() => null);
  options.signal?.throwIfAborted();
  if (!response.ok || !answer) throw new Problem(answer ?? {});
  return answer;
}
