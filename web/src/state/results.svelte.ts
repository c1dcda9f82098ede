// What was found for the query of the page.

import { Problem } from "../api/problem";
import { answered, server } from "../api/server";
import type { Hit, Modality } from "../api/types";
import { write } from "../query/address";
import { EMPTY, isEmpty, type Query } from "../query/query";
import { searchOf } from "../query/request";
import { matchingOf, type Matching } from "./matching";

const PAGE = 40;
/** The hits of each kind in groups by kind. */
export const GROUP = 12;

interface Results {
  state: "none" | "loading" | "found" | "failed";
  /** The query of these hits: the former one until its own arrive. */
  query: Query;
  hits: Hit[];
  /** The cursor of the next page, or null after the last one. */
  next: string | null;
  nothingMatches: boolean;
  /** The relevance below which hits are expected by chance. */
  cut: number;
  matching: Matching;
  milliseconds: number;
  problem: Problem | null;
  /** Whether the next page is on its way, and why it did not arrive. */
  more: boolean;
  moreProblem: Problem | null;
}

const NONE: Results = {
  state: "none",
  query: EMPTY,
  hits: [],
  next: null,
  nothingMatches: false,
  cut: 0,
  matching: { counts: {}, total: 0, more: false },
  milliseconds: 0,
  problem: null,
  more: false,
  moreProblem: null,
};

let current = $state.raw<Results>(NONE);
let request = new AbortController();

/** What was found so far. */
export const results = {
  get now(): Results {
    return current;
  },
};

/** Ask for the results of a query. The former ones stay until these arrive. */
export async function ask(query: Query): Promise<void> {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  if (isEmpty(query)) {
    current = NONE;
    return;
  }
  current = { ...current, state: "loading", problem: null, more: false, moreProblem: null };
  const begun = performance.now();
  try {
    const { hits, next_cursor: next, nothing_matches: nothingMatches, cut = 0, matching = {} } = await pageOf(query, "", signal);
    const found = matchingOf(matching, hits, next, cut);
    const counts = { ...(isNarrowed(query, current.query) ? current.matching.counts : {}), ...found.counts };
    const milliseconds = performance.now() - begun;
    current = { ...NONE, state: "found", query, hits, next, nothingMatches, cut, matching: { ...found, counts }, milliseconds };
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    current = { ...current, state: "failed", problem: error };
  }
}

/** Ask for the next page, if there is one and it is not on its way. */
export async function askMore(): Promise<void> {
  const { next, more, state, query } = current;
  if (!next || more || state !== "found") return;
  const { signal } = request;
  current = { ...current, more: true, moreProblem: null };
  try {
    const found = await pageOf(query, next, signal);
    const known = new Set(current.hits.map(({ id }) => id));
    const hits = [...current.hits, ...found.hits.filter(({ id }) => !known.has(id))];
    const { counts, ...matching } = matchingOf(found.matching ?? {}, hits, found.next_cursor, current.cut);
    current = { ...current, hits, next: found.next_cursor, matching: { ...matching, counts: { ...current.matching.counts, ...counts } }, more: false };
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    current = { ...current, moreProblem: error, more: false };
  }
}

/** Whether a query differs from another one only by the kinds it asks for, which are not all: the counts of others then stay known. */
function isNarrowed(query: Query, other: Query): boolean {
  const all = (one: Query): string => write({ ...one, modalities: [] as Modality[] }).toString();
  return query.modalities.length > 0 && all(query) === all(other);
}

const pageOf = (query: Query, cursor: string, signal: AbortSignal) =>
  answered(server.POST("/v1/search", { body: searchOf(query, query.group === "modality" ? GROUP : PAGE, cursor), signal }));
