// A hit as a card: the thing itself, where it matched, how well, and how to search on from it.

import { contentOf, previewOf } from "./api.js";
import { clock, element, icon } from "./element.js";
import { KINDS } from "./kinds.js";

// What can be looked through for where the query is.
const LOCATED = ["image", "audio", "video"];

/** One card. `added(weight)` makes the hit a term of the query, `viewed(link)` shows it large, `located()` marks where it matches. */
export function card(hit, { added, viewed, located }) {
  const name = hit.path.split(/[/\\]/).pop();
  const about = element(
    "div",
    { className: "about" },
    element("p", { className: "name", title: hit.path }, element("bdi", {}, name)),
    element("p", { className: "facts" }, badge(hit.modality), place(hit.segment), strength(hit)),
    element(
      "p",
      { className: "steer" },
      steer("+", "More like this", name, () => added(1)),
      steer("\u2212", "Less like this", name, () => added(-0.5)),
      LOCATED.includes(hit.modality) ? lens(name, () => located(name)) : null,
      element("a", { href: contentOf(hit.id), target: "_blank", rel: "noopener", ariaLabel: `Open ${name}` }, "Open"),
    ),
  );
  return element("li", { className: `card ${hit.modality}` }, FACES[hit.modality](hit, name, viewed), about);
}

/** A place that a card will take. */
export const ghost = () => element("li", { className: "card ghost", ariaHidden: "true" }, element("div", { className: "face" }));

const FACES = {
  text: (hit) => element("blockquote", { className: "face words", dir: "auto" }, hit.snippet || "\u2026"),
  image: (hit, name, viewed) => zoom(hit, name, viewed),
  point_cloud: (hit, name, viewed) => zoom(hit, name, viewed),
  audio: (hit, name) =>
    element(
      "div",
      { className: "face sound" },
      poster(hit, ""),
      element("audio", { controls: true, preload: "none", src: source(hit), ariaLabel: `Sound ${name}` }),
    ),
  video: film,
};

/** The poster first; the browser's controls come with the first play. */
function film(hit, name) {
  const video = element("video", { preload: "none", playsInline: true, poster: previewOf(hit.id), src: source(hit), ariaLabel: `Video ${name}` });
  const play = element("button", { type: "button", className: "play", ariaLabel: `Play ${name}` }, icon("play"));
  play.addEventListener("click", () => {
    play.remove();
    video.controls = true;
    video.focus();
    video.play().catch(() => {}); // a codec this browser lacks: the controls say so
  });
  return element("div", { className: "face film" }, video, play);
}

function zoom(hit, name, viewed) {
  const large = hit.modality === "image" ? contentOf(hit.id) : previewOf(hit.id);
  const link = element("a", { className: "face", href: large }, poster(hit, `${KINDS[hit.modality].one} ${name}`));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    viewed(large, name);
  });
  return link;
}

function poster(hit, alt) {
  const picture = element("img", { src: previewOf(hit.id), alt, loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith(element("span", { className: "blank" }, icon(hit.modality))));
  return picture;
}

/** Playback starts where the hit matched: a media fragment. */
function source(hit) {
  const start = hit.segment?.unit === "seconds" ? hit.segment.start : 0;
  return start ? `${contentOf(hit.id)}#t=${start}` : contentOf(hit.id);
}

function badge(modality) {
  return element("span", { className: "badge" }, icon(modality), KINDS[modality].one);
}

function place(segment) {
  if (segment?.unit !== "seconds") return null;
  return element("span", { className: "place", title: "The part that matched" }, `${clock(segment.start)}\u2013${clock(segment.end)}`);
}

function strength(hit) {
  const percent = Math.round(100 * hit.relevance);
  const shares = hit.matched_by.map(({ term, contribution }) => `${signed(contribution)}  ${term}`);
  const bar = element("span", {
    className: "strength",
    role: "meter",
    ariaLabel: "Relevance",
    ariaValueMin: "0",
    ariaValueMax: "100",
    ariaValueNow: String(percent),
    title: [`Relevance ${percent} %`, `Raw cosine ${hit.score.toFixed(3)}`, ...shares].join("\n"),
  });
  bar.style.setProperty("--value", `${percent}%`);
  return bar;
}

/** A picture alone: the row is full. */
function lens(name, act) {
  const button = element("button", { type: "button", className: "where", title: "Where in it", ariaLabel: `Where in ${name}` }, icon("where"));
  button.addEventListener("click", act);
  return button;
}

const signed = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(3)}`;

function steer(sign, words, name, act) {
  const button = element("button", { type: "button", title: words, ariaLabel: `${words}: ${name}` }, sign, element("span", {}, words.split(" ")[0]));
  button.addEventListener("click", act);
  return button;
}
