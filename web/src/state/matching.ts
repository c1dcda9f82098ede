// How much matches a query, by kind.

import { isModality, type Hit, type Modality } from "../api/types";

/** Counts of the items that match. `more` means that there are at least so many. */
export interface Matching {
  readonly counts: Partial<Record<Modality, number>>;
  readonly total: number;
  readonly more: boolean;
}

/** What matches, by kind, given the counts of an answer; all of it was counted once the list ends or leaves the cut. */
export function matchingOf(counts: Partial<Record<string, number>>, hits: readonly Hit[], next: string | null, cut: number): Matching {
  const known = Object.entries(counts).filter((entry): entry is [Modality, number] => isModality(entry[0]));
  const last = hits.at(-1);
  return {
    counts: Object.fromEntries(known),
    total: known.reduce((sum, [, count]) => sum + count, 0),
    more: next !== null && last !== undefined && last.relevance >= cut,
  };
}
