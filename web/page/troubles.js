// @ts-check
// What to do about an error: give a key, or try again.

/** @import { Problem } from "./api.js" */
import { useKey } from "./api.js";
import { element } from "./element.js";
import { tell } from "./message.js";

// The server cannot be reached, is busy, or is not ready.
const LATER = [0, 429, 503];

/**
 * Tell of a problem, and offer a way out.
 * @param {Problem} problem
 * @param {{ again: () => void, keyed: () => void }} acts
 */
export function drawProblem({ status, message }, { again, keyed }) {
  if (status === 401) return askForKey(keyed);
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", again);
  tell(LATER.includes(status) ? "Not ready yet" : "That did not work", message, button);
}

/**
 * The server has keys: ask for one.
 * @param {() => void} keyed
 */
function askForKey(keyed) {
  if (document.getElementById("key")) return;
  const key = element("input", { id: "key", type: "password", required: true, autocomplete: "off", ariaLabel: "Key" });
  const form = element("form", { className: "key" }, key, element("button", {}, "Use this key"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(key.value);
    form.remove();
    keyed();
  });
  tell("This server asks for a key", "The person who runs it can make one with omnisearch keys add.", form);
  key.focus();
}
