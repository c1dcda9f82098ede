// The pages of a PDF, of which its segments know those with text.

import type { Item } from "../api/types";

const PAGE = /^page (\d+)$/;

export interface Page {
  /** Counted from 1. */
  readonly number: number;
  /** The first character of the text that begins on it. */
  readonly start: number;
}

/** The pages on which a segment begins, in order. */
export function pagesOf(segments: Pick<Item, "segments">["segments"]): Page[] {
  const starts = new Map<number, number>();
  for (const { part, start } of segments) {
    const number = Number(PAGE.exec(part)?.[1] ?? 0);
    if (number && start !== null && !starts.has(number)) starts.set(number, start);
  }
  return [...starts].map(([number, start]) => ({ number, start }));
}

/** The number of the page with a character; the first one without. */
export const pageAt = (pages: readonly Page[], character = 0): number => pages.findLast(({ start }) => start <= character)?.number ?? 1;
