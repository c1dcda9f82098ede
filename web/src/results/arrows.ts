// Where arrow keys lead among cards.

/** The place of a card on the page, in pixels. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"] as const;
export type Arrow = (typeof ARROWS)[number];

export const isArrow = (key: string): key is Arrow => (ARROWS as readonly string[]).includes(key);

/** The number of the card to which a key leads from card `at`. It stays where there is none. */
export function reached(spots: readonly Spot[], at: number, key: Arrow, rightToLeft = false): number {
  const here = spots[at];
  if (!here) return at;
  if (key === "Home") return 0;
  if (key === "End") return spots.length - 1;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const step = (key === "ArrowRight") === rightToLeft ? -1 : 1;
    return Math.min(Math.max(at + step, 0), spots.length - 1);
  }
  const step = key === "ArrowDown" ? 1 : -1;
  // Cards are in the order of rows: walk to the next row, then along it to the card that is nearest.
  let next = at;
  while (spots[next] && Math.abs(spots[next]!.y - here.y) < 1) next += step;
  const row = spots[next]?.y;
  if (row === undefined) return at;
  let best = next;
  for (let n = next; spots[n] && Math.abs(spots[n]!.y - row) < 1; n += step) {
    if (distance(spots[n]!, here) < distance(spots[best]!, here)) best = n;
  }
  return best;
}

const distance = (one: Spot, other: Spot): number => Math.abs(one.x + one.width / 2 - other.x - other.width / 2);
