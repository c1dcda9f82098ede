// The part of an item that an address names: seconds of a sound or a film ("12.5", "12.5-15"), characters of a text
// ("1200"), or a rectangle of a picture in shares of its sides ("0.1,0.2,0.5,0.25"). It is a slice of a term, too.

import type { Hit, Span } from "../api/types";

export type Region = readonly [x: number, y: number, width: number, height: number];

export interface At {
  /** Seconds or characters. */
  readonly start?: number;
  readonly end?: number;
  readonly box?: Region;
}

const NUMBER = /^\d{1,9}(?:\.\d{1,9})?$/;

/** Read an address; what cannot be read is nothing. */
export function readAt(text: string): At {
  const numbers = (sign: string): number[] => text.split(sign).map((part) => (NUMBER.test(part) ? Number(part) : NaN));
  const box = numbers(",");
  if (box.length === 4 && box.every((share) => share >= 0 && share <= 1) && box[2]! > 0 && box[3]! > 0) {
    return { box: box as unknown as Region };
  }
  const [start, end, ...more] = numbers("-");
  if (start === undefined || Number.isNaN(start) || more.length) return {};
  return end !== undefined && end > start ? { start, end } : { start };
}

const short = (number: number): string => String(Number(number.toFixed(3)));

export const writeSpan = ({ start, end }: Pick<Span, "start" | "end">): string => `${short(start)}-${short(end)}`;
/** A share keeps its point, which says that it is no pixel. */
export const writeRegion = (box: Region): string => box.map((share) => share.toFixed(4).replace(/(\.\d+?)0+$/, "$1")).join(",");

/** The part of its item that a hit is about: the seconds or the box where a word matched, or its segment. */
export function atOf(hit: Hit): string {
  const timed = hit.matched_by.find(({ start }) => typeof start === "number");
  if (timed) return short(timed.start!);
  const boxed = hit.matched_by.find(({ box }) => box);
  if (boxed?.box && hit.modality === "image") return writeRegion(boxed.box);
  return hit.segment ? short(hit.segment.start) : "";
}
