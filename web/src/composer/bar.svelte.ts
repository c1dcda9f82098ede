// The bar: what is typed, the box that is added to, and what is open beside it.

import { t } from "../messages/messages.svelte";
import { changed, sameSource, termsOf, withCondition, withTerm, withoutTerm, type Query, type Term } from "../query/query";
import { write } from "../query/address";
import { go, place } from "../state/place.svelte";
import { mostTerms } from "../state/status.svelte";
import { isEnough, readEntry } from "./entry";
import { notify } from "./notices.svelte";
import { remember } from "./past.svelte";

const PAUSE_MS = 350;

export type Tool = "microphone" | "camera" | "help" | "";

/** The state of the bar that is in no address. */
class Bar {
  /** What is typed into the field of each box. */
  words = $state(["", ""]);
  /** The box that was used last: what is dropped, pasted or recorded goes there. */
  active = $state(0);
  /** Whether the second box is shown while it is empty. */
  second = $state(false);
  tool = $state<Tool>("");
  /** The term whose chip is being edited: its box and its index there. */
  edited = $state.raw<{ box: number; index: number } | null>(null);
  /** The typed words as the term of a search that is made before the user is done; they are no chip yet. */
  pending = $state.raw<Term | null>(null);
}

export const bar = new Bar();

let pause: ReturnType<typeof setTimeout> | undefined;

/** Note what was typed into the field of a box; after a pause, search for it without a step of the history. */
export function type(box: number, words: string): void {
  if (bar.pending && box !== bar.active) settle();
  bar.active = box;
  bar.words[box] = words;
  clearTimeout(pause);
  pause = setTimeout(() => preview(box), PAUSE_MS);
}

/** Add what was typed, or what was chosen instead. */
export function add(box: number, typed = bar.words[box]!): void {
  clearTimeout(pause);
  const entry = readEntry(typed);
  if (!entry) return;
  const before = withoutPending();
  if (entry.kind === "term" && isFull(before)) return;
  const query = entry.kind === "term" ? withTerm(before, entry.term, box) : withCondition(before, entry.condition);
  if (entry.kind === "term") remember(typed.trim());
  const shown = place.query;
  // The preview took the place of the query before it, which Back shall return to.
  if (bar.pending) go({ query: before }, "replace");
  forgetTyped(box);
  go({ view: "search", open: "", query: write(query).toString() === write(shown).toString() ? shown : query });
}

/** Let the pending term be an ordinary one. */
function settle(): void {
  clearTimeout(pause);
  if (bar.pending) forgetTyped(bar.active);
}

/** Give the field up, where the query that it belongs to has gone. */
export function follow(query: Query): void {
  if (bar.pending && !termsOf(query).includes(bar.pending)) forgetTyped(bar.active);
}

/** Change a term; `step` as in `go`. */
export const change = (term: Term, by: Partial<Term>, step: "push" | "replace" = "push"): void =>
  go({ query: changed(place.query, term, by) }, step);

export const remove = (term: Term): void => go({ query: withoutTerm(place.query, term) });

/** Whether no term can be added; says so. */
export function isFull(query: Query): boolean {
  const full = termsOf(query).length >= mostTerms();
  if (full) notify(t("query.full", { count: mostTerms() }));
  return full;
}

function preview(box: number): void {
  if (place.view !== "search" || place.open) return;
  const before = withoutPending();
  const entry = readEntry(bar.words[box]!);
  const term = entry?.kind === "term" && isEnough(entry.term.source.value) ? entry.term : null;
  const known = term && before.boxes[box]?.some(({ source }) => sameSource(source, term.source));
  bar.pending = known || termsOf(before).length >= mostTerms() ? null : term;
  const query = bar.pending ? withTerm(before, bar.pending, box) : before;
  if (query !== place.query) go({ query }, "replace");
}

const withoutPending = (): Query => (bar.pending ? withoutTerm(place.query, bar.pending) : place.query);

function forgetTyped(box: number): void {
  bar.pending = null;
  bar.words[box] = "";
}
