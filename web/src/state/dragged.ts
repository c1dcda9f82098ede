// An item that is dragged from a list into the bar.

import { isModality, type Modality } from "../api/types";
import { fileName } from "../parts/format";

/** The type of the data of such a drag. */
export const ITEM = "application/x-omnisearch-item";

interface Dragged {
  readonly id: string;
  readonly label: string;
  readonly modality: Modality;
}

/** Let a drag that begins carry an item. */
export function dragItem(event: DragEvent, { id, path, modality }: { id: string; path: string; modality: Modality }): void {
  event.dataTransfer?.setData(ITEM, JSON.stringify({ id, label: fileName(path), modality } satisfies Dragged));
}

/** Read the data of a drag; undefined if another page wrote something else. */
export function readDragged(data: string): Dragged | undefined {
  try {
    const { id, label, modality } = JSON.parse(data) as Record<string, unknown>;
    if (typeof id === "string" && typeof label === "string" && typeof modality === "string" && isModality(modality)) return { id, label, modality };
  } catch {
    // It is no JSON, or null.
  }
  return undefined;
}
