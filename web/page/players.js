// @ts-check
// Pictures, sounds and videos of items: small ones on cards, large ones in the viewer.

/** @import { Hit } from "./api.js" */
import { contentOf, previewOf } from "./api.js";
import { element, icon } from "./element.js";

/**
 * The preview of a hit; its symbol where it has none.
 * @param {Hit} hit
 * @param {string} alt
 */
export function poster({ id, modality }, alt) {
  const picture = element("img", { src: previewOf(id), alt, loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith(element("span", { className: "blank" }, icon(modality))));
  return picture;
}

/**
 * A picture as it is; its preview where the browser lacks its format.
 * @param {Hit} hit
 * @param {string} name
 */
export function picture({ id }, name) {
  const image = element("img", { src: contentOf(id), alt: name });
  image.addEventListener("error", () => (image.src = previewOf(id)), { once: true });
  return image;
}

/**
 * A sound with the browser's controls.
 * @param {string} src
 * @param {string} name
 * @param {"none" | "metadata"} preload
 */
export const sound = (src, name, preload) => element("audio", { controls: true, preload, src, ariaLabel: `Sound ${name}` });

/**
 * A video with the browser's controls.
 * @param {Hit} hit
 * @param {string} name
 */
export const video = ({ id }, name) =>
  element("video", { controls: true, playsInline: true, preload: "metadata", poster: previewOf(id), src: contentOf(id), ariaLabel: `Video ${name}` });

/**
 * A video as its poster. The browser's controls come with the first play.
 * @param {Hit} hit
 * @param {string} name
 */
export function film(hit, name) {
  const player = element("video", { preload: "none", playsInline: true, poster: previewOf(hit.id), src: fromMatch(hit), ariaLabel: `Video ${name}` });
  const button = element("button", { type: "button", className: "play", ariaLabel: `Play ${name}` }, icon("play"));
  button.addEventListener("click", () => {
    button.remove();
    player.controls = true;
    player.focus();
    play(player);
  });
  return element("div", { className: "face film" }, player, button);
}

/**
 * Play; where the browser lacks the codec, its controls say so.
 * @param {HTMLMediaElement} player
 */
export function play(player) {
  player.play().catch(() => {});
}

/**
 * The content of a hit, played from where it matched: a media fragment.
 * @param {Hit} hit
 */
export function fromMatch({ id, segment }) {
  const start = segment?.unit === "seconds" ? segment.start : 0;
  return start ? `${contentOf(id)}#t=${start}` : contentOf(id);
}
