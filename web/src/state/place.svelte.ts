// Where the page is: its view, the query, and the item that is open. All of it is in the address.

import { read, write } from "../query/address";
import type { Query } from "../query/query";

export const VIEWS = ["search", "map", "library", "developer"] as const;
export type View = (typeof VIEWS)[number];

export interface Place {
  readonly view: View;
  readonly query: Query;
  /** The id of the item whose details are open, or "". */
  readonly open: string;
  /** The part of the open item that is shown first: see query/slice.ts; "" for none. It changes with `open`. */
  readonly at: string;
}

let here = $state.raw<Place>(readAddress(location.search));

/** Where the page is now. */
export const place = {
  get view(): View {
    return here.view;
  },
  get query(): Query {
    return here.query;
  },
  get open(): string {
    return here.open;
  },
  get at(): string {
    return here.at;
  },
};

/** Go elsewhere. Back returns here, unless the step `replace`s this one. */
export function go(change: Partial<Place>, step: "push" | "replace" = "push"): void {
  const opens = change.open ? opened() + 1 : 0;
  here = changedBy(change);
  const address = addressOf(here);
  if (step === "replace") history.replaceState(history.state, "", address);
  else if (address !== addressOf(readAddress(location.search))) history.pushState({ opens }, "", address);
}

/** Go to the place of a link that was pressed, unless the press opens it in another tab or window. */
export function goByLink(event: MouseEvent, change: Partial<Place>): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(change);
}

// Steps back come later than the call: a second Escape until then would go back further.
let closing = false;

/** Close the open item: back to where it was opened, so that Back does not open it again. */
export function close(): void {
  const steps = opened();
  if (!steps) go({ open: "" });
  else if (!closing) {
    closing = true;
    history.go(-steps);
  }
}

/** The address of a place, for links. What `change` leaves out is as it is here. */
export const linkTo = (change: Partial<Place>): string => addressOf(changedBy(change));

/** Follow Back and Forward from now on. */
export function follow(): void {
  window.addEventListener("popstate", () => {
    closing = false;
    const there = readAddress(location.search);
    // The same query stays the same object, so that what was found for it stays too.
    here = write(there.query).toString() === write(here.query).toString() ? { ...there, query: here.query } : there;
  });
}

const changedBy = (change: Partial<Place>): Place => ({ ...here, ...("open" in change ? { at: "" } : {}), ...change });

/** How many steps back the first of the items that were opened one from another is; 0 if it was not opened here. */
const opened = (): number => (here.open && (history.state as { opens?: number } | null)?.opens) || 0;

function addressOf({ view, query, open, at }: Place): string {
  const out = write(query);
  if (view !== "search") out.append("view", view);
  if (open) out.append("open", open);
  if (open && at) out.append("at", at);
  const text = out.toString();
  return text ? `?${text}` : "./";
}

function readAddress(search: string): Place {
  const parameters = new URLSearchParams(search);
  const view = VIEWS.find((known) => known === parameters.get("view")) ?? "search";
  return { view, query: read(parameters), open: parameters.get("open") ?? "", at: parameters.get("at") ?? "" };
}
