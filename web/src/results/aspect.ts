// The shape of a card's picture, known before the picture is there: nothing moves when it arrives.

import type { Hit, Modality } from "../api/types";

// Pictures of other shapes are shown whole in a card of these limits.
const NARROWEST = 0.72;
const WIDEST = 2.6;
/** The width / height of cards whose picture has no known shape: texts, waveforms, and what an old index does not say. */
const USUAL: Readonly<Record<Modality, number>> = { text: 1.25, image: 4 / 3, audio: 1.7, video: 16 / 9, point_cloud: 1 };

/** The aspect of the card of a hit. */
export function aspectOf({ modality, aspect }: Pick<Hit, "modality"> & { aspect?: number | null }): number {
  const known = modality === "image" || modality === "video" ? aspect : undefined;
  return Math.min(Math.max(known || USUAL[modality], NARROWEST), WIDEST);
}
