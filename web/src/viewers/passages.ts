// The passages of a text as it is read: without what neighbours share.

import type { components } from "../../types/api";

export type Passage = components["schemas"]["PassageOut"];

interface Paragraph {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The page, slide, sheet or chapter that begins here; "" within one. */
  readonly heading: string;
}

/** Cut from each passage what the one before has already said. Offsets count characters as the server does. */
export function paragraphsOf(passages: readonly Passage[]): Paragraph[] {
  let [said, part] = [0, ""];
  return passages.flatMap(({ index, start, end, text, part: own = "" }) => {
    const rest = [...text].slice(Math.max(0, said - start)).join("");
    const heading = own === part ? "" : own;
    [said, part] = [Math.max(said, end), own];
    return rest.trim() || heading ? [{ index, start, end, text: rest, heading }] : [];
  });
}

/** The number in the list of the passage with a character; the last that begins before it. */
export const passageAt = (passages: readonly { start: number }[], character: number): number =>
  passages.findLastIndex(({ start }) => start <= character);
