// The query: boxes of terms, what joins the boxes, and what is done with the results. It is never changed in place.

import type { Modality } from "../api/types";

/** What a term is made of. `label` and `modality` are those of the item or upload, once they are known. */
export type Source =
  | { kind: "text"; value: string }
  | { kind: "item"; value: string; label?: string; modality?: Modality }
  | { kind: "upload"; value: string; label?: string; modality?: Modality };

/** A source with its weight, negative for what results shall not be like. `slice` is a part of a file: see docs/search.md. */
export interface Term {
  readonly source: Source;
  readonly weight: number;
  readonly slice?: string;
}

/** The terms of a box are added up into one vector. */
export type Box = readonly Term[];

/** What joins two boxes: both match, one matches, the second does not match, or it matches later in the same file. */
export const JOINS = ["and", "or", "not", "then"] as const;
export const SORTS = ["relevance", "taken", "modified", "name"] as const;
export const GROUPS = ["", "modality", "day"] as const;

export type Join = (typeof JOINS)[number];
export type Sort = (typeof SORTS)[number];
export type Group = (typeof GROUPS)[number];

/** A position on the map. */
export type Corner = readonly [x: number, y: number];

export interface Query {
  /** One or two boxes. */
  readonly boxes: readonly Box[];
  readonly join: Join;
  /** Kinds of results; none means all. */
  readonly modalities: readonly Modality[];
  /** Filter expressions, all of which hold: see docs/search.md. */
  readonly where: readonly string[];
  /** Corners of an area of the map, to which results are limited; none means all of it. */
  readonly area: readonly Corner[];
  readonly sort: Sort;
  readonly group: Group;
  /** Whether words of names, metadata, pictures and speech count. */
  readonly words: boolean;
}

export const MAX_WEIGHT = 2;
/** What an area may have: the server refuses more, and a larger one. */
export const MAX_CORNERS = 100;
export const MAX_COORDINATE = 10;
/** The weight of "less like this": a whole minus would outweigh the terms that results shall be like. */
export const LESS = -0.5;
export const EMPTY: Query = {
  boxes: [[]],
  join: "then",
  modalities: [],
  where: [],
  area: [],
  sort: "relevance",
  group: "",
  words: true,
};

export const termsOf = (query: Query): readonly Term[] => query.boxes.flat();

/** Whether the query asks for nothing: the page then shows the collection itself. */
export const isEmpty = (query: Query): boolean => termsOf(query).length === 0;

export const sameSource = (one: Source, other: Source): boolean => one.kind === other.kind && one.value === other.value;

/** The query with a term added to a box; a term of the same source in that box gets the new weight instead. */
export function withTerm(query: Query, term: Term, box = 0): Query {
  return withBox(query, box, (terms) => {
    const known = terms.findIndex(({ source, slice }) => sameSource(source, term.source) && slice === term.slice);
    return known < 0 ? [...terms, term] : terms.with(known, { ...terms[known]!, weight: term.weight });
  });
}

export const withoutTerm = (query: Query, term: Term): Query => withTerms(query, (terms) => terms.filter((other) => other !== term));

/** The query with a term replaced by a changed one. */
export const changed = (query: Query, term: Term, change: Partial<Term>): Query =>
  withTerms(query, (terms) => terms.map((other) => (other === term ? { ...term, ...change } : other)));

/** The query with a condition that all results fulfil. */
export const withCondition = (query: Query, condition: string): Query =>
  query.where.includes(condition) ? query : { ...query, where: [...query.where, condition] };

export const withoutCondition = (query: Query, condition: string): Query => ({
  ...query,
  where: query.where.filter((other) => other !== condition),
});

/** The query with its first box alone. */
export const withoutSecond = (query: Query): Query => ({ ...query, boxes: query.boxes.slice(0, 1) });

function withBox(query: Query, box: number, change: (terms: Box) => Box): Query {
  const boxes = Array.from({ length: Math.max(query.boxes.length, box + 1) }, (_, i) => query.boxes[i] ?? []);
  return { ...query, boxes: boxes.with(box, change(boxes[box]!)) };
}

const withTerms = (query: Query, change: (terms: Box) => Box): Query => ({ ...query, boxes: query.boxes.map(change) });
