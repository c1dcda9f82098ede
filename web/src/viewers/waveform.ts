// A waveform as bars.

import type { components } from "../../types/api";

export type Peaks = components["schemas"]["PeaksOut"];

/** The heights of `count` bars in [0, 1]; the loudest is 1. */
export function barsOf({ min, max }: Pick<Peaks, "min" | "max">, count: number): number[] {
  const stretches = Math.min(min.length, max.length);
  const bars = Array.from({ length: stretches ? count : 0 }, (_, bar) => {
    const from = Math.floor((bar * stretches) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * stretches) / count));
    let height = 0;
    for (let at = from; at < to; at++) height = Math.max(height, Math.abs(min[at]!), Math.abs(max[at]!));
    return height;
  });
  const loudest = Math.max(1, ...bars);
  return bars.map((height) => height / loudest);
}

/** The share of the whole at a place of a strip that is `width` wide. */
export const shareAt = (x: number, width: number): number => (width > 0 ? Math.max(0, Math.min(1, x / width)) : 0);

/** The second to which a key goes; undefined if it is no key of a player. */
export function secondOf(key: string, now: number, duration: number): number | undefined {
  const steps: Record<string, number> = { ArrowLeft: now - 5, ArrowRight: now + 5, PageDown: now - 30, PageUp: now + 30, Home: 0, End: duration };
  const second = steps[key];
  return second === undefined ? undefined : Math.max(0, Math.min(duration, second));
}
