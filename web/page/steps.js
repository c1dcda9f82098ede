// @ts-check
// The browser's history: Back and Forward go from query to query.

/** @import { Query } from "./state.js" */
import * as address from "./address.js";
import { restore, snapshot } from "./state.js";

/** @type {Query[]} What each step asked: a file cannot travel in an address, but Back and Forward find it here. */
const steps = [];

/** Make a new step of the query. */
export function push() {
  const step = steps.length;
  steps[step] = snapshot();
  history.pushState({ step }, "", address.write(steps[step]));
}

/** Let the present step be the query as it is now. */
export function replace() {
  const step = history.state?.step ?? steps.length;
  const query = (steps[step] = snapshot());
  history.replaceState({ step }, "", address.write(query));
}

/** Restore the query that the address asks, and those of Back and Forward from now on. */
export function begin() {
  window.addEventListener("popstate", ({ state }) => restore(steps[state?.step] ?? address.read(location.search)));
  restore(address.read(location.search));
  replace();
}
