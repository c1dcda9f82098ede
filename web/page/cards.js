// @ts-check
// A hit as a card: the thing itself, where it matched, how well, and how to search on from it.

/** @import { Hit } from "./api.js" */
/** @import { Modality } from "./kinds.js" */
import { contentOf, previewOf } from "./api.js";
import { element, icon } from "./element.js";
import { fileName, percent, signed, stretch } from "./format.js";
import { KINDS } from "./kinds.js";
import { film, fromMatch, poster, sound } from "./players.js";
import { hasPlaces } from "./viewer.js";

/**
 * What a card calls: `added` makes the hit a term of the query, `viewed` shows it large, `located` marks where it matches.
 * @typedef {{ added: (weight: number) => void, viewed: (link: string, name: string) => void, located: (name: string) => void }} Acts
 */

/**
 * @param {Hit} hit
 * @param {Acts} acts
 */
export function card(hit, { added, viewed, located }) {
  const name = fileName(hit.path);
  const about = element(
    "div",
    { className: "about" },
    element("p", { className: "name", title: hit.path }, element("bdi", {}, name)),
    element("p", { className: "facts" }, badge(hit.modality), place(hit), strength(hit)),
    element(
      "p",
      { className: "steer" },
      steer("+", "More like this", name, () => added(1)),
      steer("\u2212", "Less like this", name, () => added(-0.5)),
      hasPlaces(hit.modality) ? lens(name, () => located(name)) : null,
      element("a", { href: contentOf(hit.id), target: "_blank", rel: "noopener", ariaLabel: `Open ${name}` }, "Open"),
    ),
  );
  return element("li", { className: `card ${hit.modality}` }, FACES[hit.modality](hit, name, viewed), about);
}

/** A place that a card will take. */
export const ghost = () => element("li", { className: "card ghost", ariaHidden: "true" }, element("div", { className: "face" }));

/** @type {Record<Modality, (hit: Hit, name: string, viewed: Acts["viewed"]) => HTMLElement>} */
const FACES = {
  text: ({ snippet }) => element("blockquote", { className: "face words", dir: "auto" }, snippet || "\u2026"),
  image: zoom,
  point_cloud: zoom,
  audio: (hit, name) => element("div", { className: "face sound" }, poster(hit, ""), sound(fromMatch(hit), name, "none")),
  video: film,
};

/**
 * @param {Hit} hit
 * @param {string} name
 * @param {Acts["viewed"]} viewed
 */
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

/** @param {Modality} modality */
function badge(modality) {
  return element("span", { className: "badge" }, icon(modality), KINDS[modality].one);
}

/** @param {Hit} hit */
function place({ segment }) {
  if (segment?.unit !== "seconds") return null;
  return element("span", { className: "place", title: "The part that matched" }, stretch(segment));
}

/** @param {Hit} hit */
function strength({ relevance, score, matched_by }) {
  const share = percent(relevance);
  const shares = matched_by.map(({ term, contribution }) => `${signed(contribution)}  ${term}`);
  const bar = element("span", {
    className: "strength",
    role: "meter",
    ariaLabel: "Relevance",
    ariaValueMin: "0",
    ariaValueMax: "100",
    ariaValueNow: String(share),
    title: [`Relevance ${share} %`, `Raw cosine ${score.toFixed(3)}`, ...shares].join("\n"),
  });
  bar.style.setProperty("--value", `${share}%`);
  return bar;
}

/**
 * A symbol alone: the row is full.
 * @param {string} name
 * @param {() => void} act
 */
function lens(name, act) {
  const button = element("button", { type: "button", className: "where", title: "Where in it", ariaLabel: `Where in ${name}` }, icon("where"));
  button.addEventListener("click", act);
  return button;
}

/**
 * @param {string} sign
 * @param {string} words
 * @param {string} name
 * @param {() => void} act
 */
function steer(sign, words, name, act) {
  const [short = words] = words.split(" ");
  const button = element("button", { type: "button", title: words, ariaLabel: `${words}: ${name}` }, sign, element("span", {}, short));
  button.addEventListener("click", act);
  return button;
}
