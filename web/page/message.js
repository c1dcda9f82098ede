// @ts-check
// What the page says: a line of status, and a box where results would be.

import { element, find } from "./element.js";

const line = find("status", HTMLParagraphElement);
const box = find("message", HTMLElement);

/** @param {string} text */
export function say(text) {
  line.textContent = text;
}

/**
 * Fill the box.
 * @param {...Node} nodes
 */
export function present(...nodes) {
  box.replaceChildren(...nodes);
  box.hidden = false;
}

/**
 * Fill the box with a title, a text and more.
 * @param {string} title
 * @param {string} text
 * @param {...Node} more
 */
export function tell(title, text, ...more) {
  present(element("h2", {}, title), element("p", {}, text), ...more);
}

export function hide() {
  box.hidden = true;
}
