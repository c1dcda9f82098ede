// The lines of a transcript: texts that were read in a file, with their seconds or their boxes.

import type { Item } from "../api/types";

export type Line = Item["readings"][number];
export const FIELDS = ["speech", "ocr", "chapter"] as const;
export type Field = (typeof FIELDS)[number];

/** The kinds of lines that there are. */
export const fieldsOf = (lines: readonly Line[]): Field[] => FIELDS.filter((field) => lines.some((line) => line.field === field));

/** The number of the line at a second: the last that has begun, unless it ended well before; -1 if there is none. */
export function lineAt(lines: readonly Line[], second: number): number {
  const at = lines.findLastIndex(({ start }) => start !== null && start <= second + SOON);
  const end = lines[at]?.end;
  return typeof end === "number" && second > end + LINGER ? -1 : at;
}

const SOON = 0.05; // seconds: a player that was sent to a line stands a little before it
const LINGER = 4; // seconds for which a line stays lit in the pause after it
