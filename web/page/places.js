// @ts-check
// Places in a medium that match a query: marks on it, and a list in words.

/** @import { Place } from "./api.js" */
import { element } from "./element.js";
import { percent, stretch } from "./format.js";
import { play } from "./players.js";

// Places less relevant than this are not marked, but for the best one.
const LEAST = 0.2;

/**
 * Mark places on a medium. Returns their list.
 * @param {Place[]} places the best first
 * @param {HTMLElement} media a picture, or a player of what lasts `duration` seconds
 * @param {number | null} duration
 */
export function mark(places, media, duration) {
  const shown = places.filter(({ relevance }, rank) => rank === 0 || relevance >= LEAST);
  const whole = duration ?? Math.max(...shown.map(({ segment }) => segment?.end ?? 0));
  const best = shown[0]?.relevance ?? 1;
  const marks = shown.map((place) => {
    const shape = shapeOf(place, whole);
    shape.style.setProperty("--sure", String(place.relevance / best));
    return { place, shape };
  });
  const className = media instanceof HTMLMediaElement ? "line" : "boxes";
  media.after(element("div", { className, ariaHidden: "true" }, ...marks.map(({ shape }) => shape)));
  return marks.map(({ place, shape }) => entry(place, shape, media));
}

/**
 * A place in words. Its mark lights up under the pointer and with the focus; a click plays it.
 * @param {Place} place
 * @param {HTMLElement} shape
 * @param {HTMLElement} media
 */
function entry({ segment, relevance }, shape, media) {
  const at = segment ? `${stretch(segment)}, ` : "";
  const button = element("button", { type: "button" }, `${at}${percent(relevance)} %`);
  for (const event of ["focus", "pointerenter"]) button.addEventListener(event, () => shape.classList.add("lit"));
  for (const event of ["blur", "pointerleave"]) button.addEventListener(event, () => shape.classList.remove("lit"));
  button.addEventListener("click", () => {
    if (!segment || !(media instanceof HTMLMediaElement)) return;
    media.currentTime = segment.start;
    play(media);
  });
  return element("li", {}, button);
}

/**
 * The mark of a place: a box on a picture, a stretch of a line below what lasts `whole` seconds.
 * @param {Place} place
 * @param {number} whole
 */
function shapeOf({ segment, region }, whole) {
  if (segment) return shape("stretch", { left: segment.start / whole, width: (segment.end - segment.start) / whole });
  const { x, y, width, height } = region ?? { x: 0, y: 0, width: 1, height: 1 };
  return shape("box", { left: x, top: y, width, height });
}

/**
 * @param {string} className
 * @param {Record<string, number>} sides as shares of the whole
 */
function shape(className, sides) {
  const node = element("span", { className });
  for (const [side, share] of Object.entries(sides)) node.style.setProperty(side, `${100 * share}%`);
  return node;
}
