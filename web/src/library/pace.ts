// How fast a job goes, and how long it still takes.

/** What was done at a time, in seconds. */
export interface Sample {
  time: number;
  done: number;
}

const KEPT = 20;
const LEAST_SECONDS = 2;

/** The samples with a new one. After a step back, as when a job begins again, only the new one counts. */
export function sampled(samples: readonly Sample[], sample: Sample): Sample[] {
  const last = samples.at(-1);
  if (last && sample.done < last.done) return [sample];
  return [...samples, sample].slice(-KEPT);
}

/** Units per second over the samples; null while they say too little. */
export function rateOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return null;
  const seconds = last.time - first.time;
  return seconds < LEAST_SECONDS || last.done <= first.done ? null : (last.done - first.done) / seconds;
}

/** Seconds until all is done; null if unknown. */
export function secondsLeft(samples: readonly Sample[], total: number | null): number | null {
  const [rate, last] = [rateOf(samples), samples.at(-1)];
  return rate === null || total === null || !last ? null : Math.max(0, (total - last.done) / rate);
}
