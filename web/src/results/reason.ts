// Why a hit was found, as a card says it: the text that matched, and the second or the page at which it is.

import type { Hit, Match } from "../api/types";
import type { Run } from "../parts/marks";

/** The text of the hit that matches most, or undefined if none did. A text with marked words is more than one that is only near in meaning. */
export function textMatch({ matched_by: matches }: Hit): Match | undefined {
  const texts = matches.filter((match) => match.field && match.text);
  return texts.find((match) => match.marks?.length) ?? texts[0];
}

/** The second at which a sound or film matches; undefined if it matches as a whole. */
export function secondOf(hit: Hit): number | undefined {
  const spoken = hit.matched_by.find((match) => match.field && typeof match.start === "number")?.start;
  return hit.segment?.unit === "seconds" ? Number(hit.segment.start) : (spoken ?? undefined);
}

/** The boxes at which texts of a picture matched: x, y, width and height as shares of the sides. */
export const boxesOf = ({ matched_by: matches }: Hit): [number, number, number, number][] =>
  matches.flatMap(({ box }) => (box ? [box as [number, number, number, number]] : []));

// The characters before the first mark that a card shows.
const LEAD = 24;

/** A text that begins near its first mark, so that a card shows it. */
export function leadTo(runs: readonly Run[]): Run[] {
  const [first, ...others] = runs;
  if (!first || first.marked || !others.length || first.text.length <= LEAD) return [...runs];
  const from = first.text.indexOf(" ", first.text.length - LEAD);
  const cut = first.text.slice(from < 0 ? -LEAD : from + 1);
  return [{ text: `…${cut}`, marked: false }, ...others];
}
