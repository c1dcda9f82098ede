// Shots of a film, by the seconds at which they begin, in order.

/** At most so many of them, evenly, with the first. */
export function thinned(shots: readonly number[], most: number): number[] {
  const ordered = [...new Set(shots)].sort((a, b) => a - b);
  if (ordered.length <= most) return ordered;
  return Array.from({ length: most }, (_, index) => ordered[Math.floor((index * ordered.length) / most)]!);
}

/** At most so many shots around a second, with the one that it is in. */
export function around(shots: readonly number[], second: number, most: number): number[] {
  const ordered = thinned(shots, Infinity);
  const first = Math.min(shotAt(ordered, second) - Math.floor(most / 2), ordered.length - most);
  return ordered.slice(Math.max(0, first), Math.max(0, first) + most);
}

/** The number of the shot at a second; 0 before the first. */
export const shotAt = (shots: readonly number[], second: number): number => Math.max(0, shots.findLastIndex((start) => start <= second + 0.01));
