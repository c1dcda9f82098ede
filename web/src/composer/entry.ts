// What was typed: a condition on the results, words to be like, or after a minus words not to be like.

import { LESS, type Term } from "../query/query";

/** The fields of conditions that are completed while typing: see docs/search.md. */
export const FIELDS = [
  "album", "artist", "camera", "date", "duration", "genre", "has", "language",
  "lens", "mime", "mtime", "path", "place", "rating", "size", "tag", "taken", "year",
] as const;

const CONDITION = new RegExp(`^!?(?:${FIELDS.join("|")}|meta\\.[\\w-]+)\\s*(?::|>=|<=|>|<|=)\\s*\\S`);
const UNFINISHED = new RegExp(`^!?(?:${FIELDS.join("|")})\\s*[:<>=]+\\s*$`);
const MINUS = /^[-−–]\s+(?=\S)/;

export type Entry = { kind: "term"; term: Term } | { kind: "condition"; condition: string };

/** Read what was typed; nothing where it is blank. */
export function readEntry(typed: string): Entry | undefined {
  const text = typed.trim();
  if (!text) return undefined;
  if (CONDITION.test(text)) return { kind: "condition", condition: text };
  const value = text.replace(MINUS, "");
  return { kind: "term", term: { source: { kind: "text", value }, weight: value === text ? 1 : LESS } };
}

/** The fields that begin with what was typed. */
export function fieldsFor(typed: string): string[] {
  const text = typed.trim().toLowerCase();
  return text.length < 2 ? [] : FIELDS.filter((field) => field.startsWith(text));
}

/** Whether a search is useful before the user is done: a single letter or the beginning of a condition means little, a single 猫 a lot. */
export const isEnough = (text: string): boolean =>
  !UNFINISHED.test(text) && (text.length > 1 || /\p{Lo}/u.test(text));
