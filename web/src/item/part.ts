// The part of an item that is shown just now, as the slice of a term.

import type { Item } from "../api/types";
import { readAt, writeRegion, writeSpan, type Region } from "../query/slice";

const SECONDS = 5; // of a part around a second

/** The slice of what is shown: the zoomed part of a picture, or the stretch around the second that is played. */
export function sliceOf(item: Pick<Item, "modality" | "duration">, at: string, time: number, crop?: Region): string {
  const { start, end, box } = readAt(at);
  if (item.modality === "image") return crop ? writeRegion(crop) : box ? writeRegion(box) : "";
  if (item.modality !== "audio" && item.modality !== "video") return "";
  if (start !== undefined && end !== undefined && time >= start - 0.1 && time <= end + 0.1) return writeSpan({ start, end });
  const all = item.duration ?? 0;
  if (all <= SECONDS) return "";
  const from = Math.max(0, Math.min(time, all - SECONDS));
  return writeSpan({ start: from, end: from + SECONDS });
}
