// A query as the body of POST /v1/search.

import type { SearchIn, TermIn } from "../api/types";
import type { Box, Query, Term } from "./query";

type Expression = SearchIn["query"];

/** The expression of a query that is not empty. */
export function expressionOf({ boxes, join }: Query): Expression {
  const [first, second] = boxes.filter((box) => box.length).map(sumOf);
  if (first === undefined) throw new Error("an empty query has no expression");
  if (second === undefined) return first;
  if (join === "and") return { and: [first, second] };
  if (join === "or") return { or: [first, second] };
  if (join === "then") return { then: [first, second] };
  return { and: [first, { not: second }] };
}

/** The body of a search. Fields that it leaves out have the server's defaults. */
export function searchOf(query: Query, limit: number, cursor = ""): SearchIn {
  const body: Partial<SearchIn> = {
    query: expressionOf(query),
    limit,
    sort: query.sort,
    group: query.group,
    ...(query.modalities.length ? { modalities: [...query.modalities] } : {}),
    ...(query.where.length ? { where: [...query.where] } : {}),
    ...(query.area.length ? { area: query.area.map(([x, y]): [number, number] => [x, y]) } : {}),
    ...(query.words ? {} : { words: false }),
    ...(cursor ? { cursor } : {}),
  };
  return body as SearchIn;
}

const sumOf = (box: Box): TermIn[] => box.map(termOf);

function termOf({ source, weight, slice }: Term): TermIn {
  const field = source.kind === "text" ? "text" : source.kind === "item" ? "item_id" : "upload_id";
  return { [field]: source.value, weight, ...(slice ? { slice } : {}) } as TermIn;
}
