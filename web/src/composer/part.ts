// The part of a file that a term is about, as people read it, and the kinds of parts that a file can have.

import type { Modality } from "../api/types";
import { readAt } from "../query/slice";
import { clock } from "../parts/format";
import { MAX_WEIGHT } from "../query/query";

const PAGE = /^p([1-9]\d{0,5})$/;

/** The number of the page that a slice names. */
export const pageOf = (slice = ""): number | undefined => {
  const [, number] = PAGE.exec(slice) ?? [];
  return number ? Number(number) : undefined;
};

type Part = "crop" | "trim" | "page";

/** The kind of part that a file can have. */
export function partOf(modality?: Modality, mime?: string): Part | undefined {
  if (modality === "image") return "crop";
  if (modality === "audio" || modality === "video") return "trim";
  return mime === "application/pdf" ? "page" : undefined;
}

const WITH_TENTHS = 60; // seconds

/**
 * A slice as a short note: seconds as clocks, or with tenths where they are few, a page as its number, and for a rectangle
 * nothing, since it is drawn. Another one, which the server may know or refuse, is written as it is.
 */
export function noteOf(slice: string): { kind: Part; text: string } {
  const page = pageOf(slice);
  if (page) return { kind: "page", text: String(page) };
  const { start, end, box } = readAt(slice);
  if (start !== undefined && end !== undefined) {
    const [from, to] = [start, end].map(end < WITH_TENTHS ? (seconds) => seconds.toFixed(1) : clock);
    return { kind: "trim", text: end < WITH_TENTHS ? `${from}–${to} s` : `${from}–${to}` };
  }
  return box ? { kind: "crop", text: "" } : { kind: "trim", text: slice };
}

/** A weight as people read it: nothing for 1. */
export function weightNote(weight: number): string {
  const size = Math.abs(weight);
  return size === 1 ? "" : `×${size.toLocaleString(undefined, { maximumFractionDigits: 2 })}`;
}

export const LEAST_WEIGHT = 0.1;

/** A weight of this size with the sign of `weight`, within its bounds. */
export function weighed(weight: number, size: number): number {
  const within = Math.min(MAX_WEIGHT, Math.max(LEAST_WEIGHT, Math.round(size * 100) / 100));
  return weight < 0 ? -within : within;
}
