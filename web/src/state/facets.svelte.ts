// The values that the items of a selection have, and how many have each.

import { Problem } from "../api/problem";
import { answered, server } from "../api/server";
import type { Facets } from "../api/types";
import type { Query } from "../query/query";

let current = $state.raw<Facets | null>(null);
let asked = "";

/** The facets of the selection that was asked for last; null until they are known. */
export const facets = {
  get now(): Facets | null {
    return current;
  },
};

/** Ask for the facets of what a query selects, unless they are known. Without an answer the former ones stay. */
export async function askFacets({ modalities, where }: Query): Promise<void> {
  const selection = { modalities: [...modalities], where: [...where] };
  const name = JSON.stringify(selection);
  if (name === asked) return;
  asked = name;
  try {
    const found = await answered(server.GET("/v1/facets", { params: { query: selection } }));
    if (name === asked) current = found;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    asked = "";
  }
}
