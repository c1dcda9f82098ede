// Suggestions for what was typed: past queries of this browser first, then fields of conditions, then what items hold.

import type { Suggestion } from "../api/types";
import { fieldsFor } from "./entry";

/** `past` and `name` are added as words, `filter` as a condition; `field` begins one. */
export interface Choice {
  readonly kind: "past" | "field" | "name" | "filter";
  readonly text: string;
  /** What is added, or for a field typed. */
  readonly value: string;
  /** How many items have it. */
  readonly count?: number;
}

const MOST = 8;
const MOST_PAST = 3;
const WORDS = new Set(["name", "keywords"]);

/** The past queries that fit what was typed: those that begin with it, then those with a word that does. */
export function pastFor(typed: string, past: readonly string[]): string[] {
  const wanted = typed.trim().toLowerCase();
  const begins = (text: string) => text.toLowerCase().startsWith(wanted);
  const fits = past.filter((text) => text !== typed.trim() && (begins(text) || text.split(/\s+/).some(begins)));
  return fits.sort((one, other) => Number(begins(other)) - Number(begins(one)));
}

/** All suggestions, the best first and none twice. */
export function choicesFor(typed: string, past: readonly string[], found: readonly Suggestion[]): Choice[] {
  const earlier = pastFor(typed, past).slice(0, typed.trim() ? MOST_PAST : MOST);
  const all: Choice[] = [
    ...earlier.map((text): Choice => ({ kind: "past", text, value: text })),
    ...fieldsFor(typed).map((field): Choice => ({ kind: "field", text: `${field}:`, value: `${field}:` })),
    ...found.map(({ text, field, count }): Choice =>
      WORDS.has(field) ? { kind: "name", text, value: text, count } : { kind: "filter", text, value: `${field}:${text}`, count },
    ),
  ];
  const seen = new Set<string>();
  const isNew = ({ value }: Choice) => !seen.has(value) && Boolean(seen.add(value));
  return all.filter(isNew).slice(0, MOST);
}
