// The HTTP API, as this page uses it.

export class Problem extends Error {
  constructor({ title = "", detail = "", status = 0, code = "" }) {
    super(detail || title || "The server did not answer.");
    this.status = status;
    this.code = code;
  }
}

export const contentOf = (id) => `v1/items/${encodeURIComponent(id)}/content`;
export const previewOf = (id) => `v1/items/${encodeURIComponent(id)}/preview`;
export const item = (id) => ask(`v1/items/${encodeURIComponent(id)}`);
export const status = () => ask("v1/status");

export const search = ({ terms, modality, lanes, limit }, signal) => post("v1/search", terms, { limit, lanes, ...(modality ? { modalities: [modality] } : {}) }, signal);
/** Where in an item the terms are. */
export const locate = (terms, id, signal) => post("v1/locate", terms, { item_id: id }, signal);

/** Send this key with every request from now on. A cookie, since pictures and sounds can send no header; it goes with the browser's window. */
export function useKey(key) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `omnisearch_key=${key.replace(/[^\w.~+/=-]/g, "")}; Path=${new URL("./", location.href).pathname}; SameSite=Strict${secure}`;
}

/** Ask with terms; those that are files travel as parts of a multipart body. */
function post(path, terms, more, signal) {
  const form = new FormData();
  const query = terms.map((term, index) => {
    if (term.kind === "text") return { text: term.value, weight: term.weight };
    if (term.kind === "item") return { item_id: term.value, weight: term.weight };
    form.append(`file${index}`, term.value, term.value.name);
    return { file: `file${index}`, weight: term.weight };
  });
  const body = JSON.stringify({ query, ...more });
  if (![...form.keys()].length) {
    return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
  }
  form.append("query", body);
  return ask(path, { method: "POST", body: form, signal });
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "The server cannot be reached. Is it still running?" });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(answer);
  return answer;
}
