// "More like this" and "less like this": the hit becomes a term of the query.

import type { Hit } from "../api/types";
import { fileName } from "../parts/format";
import { LESS, sameSource, termsOf, withoutTerm, withTerm, type Query, type Source } from "../query/query";

export type Direction = "more" | "less";

const sourceOf = ({ id, path, modality }: Pick<Hit, "id" | "path" | "modality">): Source => ({ kind: "item", value: id, label: fileName(path), modality });

/** Which way the query is steered by a hit, if it is. */
export function directionOf(query: Query, hit: Hit): Direction | undefined {
  const term = termsOf(query).find(({ source, slice }) => sameSource(source, sourceOf(hit)) && !slice);
  return term && (term.weight > 0 ? "more" : "less");
}

/** The query steered by a hit; no more by it if it already was in this direction. */
export function steered(query: Query, hit: Hit, direction: Direction): Query {
  const source = sourceOf(hit);
  if (directionOf(query, hit) === direction) {
    const term = termsOf(query).find((known) => sameSource(known.source, source) && !known.slice)!;
    return withoutTerm(query, term);
  }
  return withTerm(query, { source, weight: direction === "more" ? 1 : LESS });
}
