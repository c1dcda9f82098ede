// Why an item matched, as shares that people read.

import type { Hit, Match } from "../api/types";

export interface Share {
  readonly name: string;
  /** In [-1, 1]; the absolute values of a list add up to 1. */
  readonly share: number;
}

/** How much each term gave to the likeness; a term that took something away is negative. */
export const termShares = (hit: Hit): Share[] =>
  sharesOf(hit.matched_by.map(({ term, contribution }) => [term, contribution] as const));

/** How much each space gave, over all terms: the names of models without the part they embed. */
export const spaceShares = (hit: Hit): Share[] =>
  shown(hit.matched_by.flatMap(({ spaces }) => Object.entries(spaces ?? {}).filter(([name]) => !name.endsWith(":centring"))));

/** How much the router counts each space for a term. */
export const routes = (match: Match): Share[] => shown(Object.entries(match.factors ?? {}));

/** The matches by words, each text once. */
export function wordMatches(hit: Hit): Match[] {
  const seen = new Map(hit.matched_by.filter(({ text }) => text).map((match) => [`${match.field}\n${match.text}`, match]));
  return [...seen.values()];
}

const LEAST = 0.005; // less is 0 %

function shown(entries: (readonly [string, number])[]): Share[] {
  const sums = new Map<string, number>();
  for (const [name, value] of entries) {
    const space = name.slice(name.indexOf(":") + 1);
    sums.set(space, (sums.get(space) ?? 0) + value);
  }
  return sharesOf([...sums]).filter(({ share }) => Math.abs(share) >= LEAST).sort((a, b) => b.share - a.share);
}

function sharesOf(values: (readonly [string, number])[]): Share[] {
  const total = values.reduce((sum, [, value]) => sum + Math.abs(value), 0);
  return values.map(([name, value]) => ({ name, share: total ? value / total : 0 }));
}
