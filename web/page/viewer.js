// The viewer: one hit, large, and where in it the query is.

import * as api from "./api.js";
import { clock, element } from "./element.js";

// Places less relevant than this are not marked, but for the best one.
const LEAST = 0.2;
const $ = (id) => document.getElementById(id);

/** Show a picture. */
export function view(link, name) {
  open(name, element("img", { src: link, alt: name }));
}

/** Look through a hit for what the terms mean, and mark the places; whoever closes the viewer gives it up. */
export async function where(hit, name, terms) {
  const media = MEDIA[hit.modality](hit, name);
  open(name, media);
  const asking = new AbortController();
  $("viewer").addEventListener("close", () => asking.abort(), { once: true });
  say("Looking through it\u2026");
  try {
    const [found, { duration }] = await Promise.all([api.locate(terms, hit.id, asking.signal), api.item(hit.id)]);
    if (!asking.signal.aborted) draw(found, duration, media);
  } catch (error) {
    if (!asking.signal.aborted) say(error.message);
  }
}

const MEDIA = {
  image: picture,
  audio: (hit, name) => element("audio", { controls: true, preload: "metadata", src: api.contentOf(hit.id), ariaLabel: `Sound ${name}` }),
  video: (hit, name) => element("video", { controls: true, playsInline: true, preload: "metadata", poster: api.previewOf(hit.id), src: api.contentOf(hit.id), ariaLabel: `Video ${name}` }),
};

function picture(hit, name) {
  const image = element("img", { src: api.contentOf(hit.id), alt: name });
  image.addEventListener("error", () => (image.src = api.previewOf(hit.id)), { once: true }); // a format this browser lacks
  return image;
}

function open(name, media) {
  $("viewer-stage").replaceChildren(element("div", { className: "marked" }, media));
  $("viewer-name").textContent = name;
  $("viewer-places").replaceChildren();
  say("");
  $("viewer").showModal();
}

function draw({ modality, places, nothing_matches }, duration, media) {
  const shown = places.filter(({ relevance }, rank) => rank === 0 || relevance >= LEAST);
  const timed = modality !== "image";
  const whole = duration ?? Math.max(...shown.map(({ segment }) => segment?.end ?? 0));
  const marks = shown.map((place) => (timed ? stretch(place.segment, whole) : box(place.region)));
  for (const [rank, mark] of marks.entries()) mark.style.setProperty("--sure", String(shown[rank].relevance / shown[0].relevance));
  media.after(element("div", { className: timed ? "line" : "boxes", ariaHidden: "true" }, ...marks));
  $("viewer-places").replaceChildren(...shown.map((place, rank) => entry(place, marks[rank], media)));
  say(nothing_matches ? "Nothing in it matches well: this only stands out the least badly." : "");
}

/** A place in words. To point at it, or to come to it with the keyboard, lights up its mark; to choose it plays it. */
function entry({ segment, relevance }, mark, media) {
  const at = segment ? `${clock(segment.start)}\u2013${clock(segment.end)}, ` : "";
  const button = element("button", { type: "button" }, `${at}${Math.round(100 * relevance)} %`);
  for (const [event, lit] of [["focus", true], ["pointerenter", true], ["blur", false], ["pointerleave", false]]) {
    button.addEventListener(event, () => mark.classList.toggle("lit", lit));
  }
  button.addEventListener("click", () => {
    if (!segment) return;
    media.currentTime = segment.start;
    media.play().catch(() => {}); // a codec this browser lacks: the controls say so
  });
  return element("li", {}, button);
}

function box({ x, y, width, height }) {
  return placed("box", { left: x, top: y, width, height });
}

function stretch({ start, end }, whole) {
  return placed("stretch", { left: start / whole, width: (end - start) / whole });
}

function placed(className, sides) {
  const mark = element("span", { className });
  for (const [side, share] of Object.entries(sides)) mark.style.setProperty(side, `${100 * share}%`);
  return mark;
}

function say(text) {
  $("viewer-status").textContent = text;
}
