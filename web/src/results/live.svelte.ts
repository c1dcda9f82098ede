// The one card that plays or turns: another one that starts stops it.

let id = $state("");
let audible = $state(false);
let waiting: ReturnType<typeof setTimeout> | undefined;

/** The time for which a pointer rests on a card before it comes alive, in milliseconds. */
const REST = 350;

export const live = {
  /** The id of the hit that plays, or "". */
  get id(): string {
    return id;
  },
  /** Whether its sound is on: only if a person started it. */
  get audible(): boolean {
    return audible;
  },
};

/** Start a card because a person asked for it. */
export function start(hit: string): void {
  clearTimeout(waiting);
  id = hit;
  audible = true;
}

/** Start a card without sound once the pointer has rested on it. It does not interrupt what a person started. */
export function startLater(hit: string): void {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (id && audible) return;
    id = hit;
    audible = false;
  }, REST);
}

/** Stop a card if it is the one that plays. */
export function stop(hit: string): void {
  clearTimeout(waiting);
  if (id === hit) id = "";
}

/** The pointer left a card: what it started stops. */
export function leave(hit: string): void {
  clearTimeout(waiting);
  if (id === hit && !audible) id = "";
}
