// @ts-check
// The five modalities, and what people call them.

/** @import { components } from "../types/api" */
/** @typedef {components["schemas"]["Modality"]} Modality */

/** @type {Record<Modality, { one: string, many: string }>} */
export const KINDS = {
  text: { one: "Text", many: "Text" },
  image: { one: "Image", many: "Images" },
  audio: { one: "Sound", many: "Audio" },
  video: { one: "Video", many: "Video" },
  point_cloud: { one: "3D", many: "3D" },
};

export const MODALITIES = /** @type {Modality[]} */ (Object.keys(KINDS));

/**
 * @param {string} name
 * @returns {name is Modality}
 */
export const isModality = (name) => name in KINDS;

/** @type {[Modality, RegExp][]} */
const ENDINGS = [["point_cloud", /\.(glb|gltf|obj|ply|stl|off|dae)$/i], ["text", /\.(txt|md|pdf|html?)$/i]];

/**
 * Guess the modality of a file the user picked, for its icon alone.
 * @param {File} file
 * @returns {Modality}
 */
export function kindOf(file) {
  const [major = ""] = file.type.split("/");
  if (isModality(major)) return major;
  return ENDINGS.find(([, ending]) => ending.test(file.name))?.[0] ?? "image";
}
