// Facets and the conditions that their values are.

import type { Facets } from "../api/types";
import { withCondition, withoutCondition, type Query } from "../query/query";

export type FacetName = Exclude<keyof Facets, "items" | "exact" | "modality">;

/** The facets in the order in which they are shown, with the field of their conditions. */
export const FIELDS: Readonly<Record<FacetName, string>> = {
  mime: "mime",
  year: "date",
  place: "place",
  camera: "camera",
  language: "language",
  folder: "path",
};
export const FACETS = Object.keys(FIELDS) as FacetName[];

/** The condition that holds for a value of a facet. */
export const conditionOf = (facet: FacetName, value: string): string => `${FIELDS[facet]}:${value}`;

/** The query with a condition added, or removed if it has it. */
export const toggled = (query: Query, condition: string): Query =>
  query.where.includes(condition) ? withoutCondition(query, condition) : withCondition(query, condition);
