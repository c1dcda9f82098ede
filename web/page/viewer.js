// @ts-check
// The viewer: one hit, large, and where in it the query is.

/** @import { Hit } from "./api.js" */
/** @import { Modality } from "./kinds.js" */
/** @import { Term } from "./state.js" */
import * as api from "./api.js";
import { element, find } from "./element.js";
import { mark } from "./places.js";
import { picture, sound, video } from "./players.js";

const caption = find("viewer-name", HTMLElement);
const dialog = find("viewer", HTMLDialogElement);
const list = find("viewer-places", HTMLOListElement);
const stage = find("viewer-stage", HTMLDivElement);
const status = find("viewer-status", HTMLParagraphElement);

/** @type {Partial<Record<Modality, (hit: Hit, name: string) => HTMLElement>>} What can be looked through for a query. */
const MEDIA = { image: picture, audio: ({ id }, name) => sound(api.contentOf(id), name, "metadata"), video };

/** @param {Modality} modality */
export const hasPlaces = (modality) => modality in MEDIA;

/** Close the viewer at a click outside of what it shows. */
export function begin() {
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close();
  });
}

/**
 * Show a picture.
 * @param {string} link
 * @param {string} name
 */
export function view(link, name) {
  open(name, element("img", { src: link, alt: name }));
}

/**
 * Look through a hit for what the terms mean, and mark the places. Closing the viewer stops that.
 * @param {Hit} hit
 * @param {string} name
 * @param {Term[]} terms
 */
export async function where(hit, name, terms) {
  const media = MEDIA[hit.modality]?.(hit, name);
  if (!media) return;
  open(name, media);
  const asking = new AbortController();
  dialog.addEventListener("close", () => asking.abort(), { once: true });
  say("Looking through it\u2026");
  try {
    const [{ places, nothing_matches }, { duration }] = await Promise.all([api.locate(terms, hit.id, asking.signal), api.item(hit.id)]);
    if (asking.signal.aborted) return;
    list.replaceChildren(...mark(places, media, duration));
    say(nothing_matches ? "Nothing in it matches well: this only stands out the least badly." : "");
  } catch (error) {
    if (asking.signal.aborted) return;
    if (!(error instanceof api.Problem)) throw error;
    say(error.message);
  }
}

/**
 * @param {string} name
 * @param {HTMLElement} media
 */
function open(name, media) {
  stage.replaceChildren(element("div", { className: "marked" }, media));
  caption.textContent = name;
  list.replaceChildren();
  say("");
  dialog.showModal();
}

/** @param {string} text */
function say(text) {
  status.textContent = text;
}
