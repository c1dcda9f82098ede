// Rectangles in a picture, in shares of its sides.

import type { Region } from "../query/slice";

export const HANDLES = ["nw", "ne", "sw", "se"] as const;
export type Handle = (typeof HANDLES)[number];
export type Point = readonly [x: number, y: number];

/** The least side of a rectangle. */
export const LEAST = 0.02;
export const WHOLE: Region = [0, 0, 1, 1];

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** The rectangle at another place, within the picture. */
export const moved = ([x, y, width, height]: Region, dx: number, dy: number): Region => [
  clamp(x + dx, 0, 1 - width),
  clamp(y + dy, 0, 1 - height),
  width,
  height,
];

/** The rectangle with a corner at another place; the opposite corner stays. */
export function resized([x, y, width, height]: Region, corner: Handle, dx: number, dy: number): Region {
  let [left, top, right, bottom] = [x, y, x + width, y + height];
  if (corner.endsWith("w")) left = clamp(left + dx, 0, right - LEAST);
  else right = clamp(right + dx, left + LEAST, 1);
  if (corner.startsWith("n")) top = clamp(top + dy, 0, bottom - LEAST);
  else bottom = clamp(bottom + dy, top + LEAST, 1);
  return [left, top, right - left, bottom - top];
}

/** The rectangle between two points, or nothing where they are too close to mean one. */
export function between([x1, y1]: Point, [x2, y2]: Point): Region | undefined {
  const [left, right] = [clamp(Math.min(x1, x2), 0, 1), clamp(Math.max(x1, x2), 0, 1)];
  const [top, bottom] = [clamp(Math.min(y1, y2), 0, 1), clamp(Math.max(y1, y2), 0, 1)];
  return right - left < LEAST || bottom - top < LEAST ? undefined : [left, top, right - left, bottom - top];
}

/** The step of an arrow key: a hundredth, with Shift ten. */
export function stepOf({ key, shiftKey }: Pick<KeyboardEvent, "key" | "shiftKey">): Point | undefined {
  const by = shiftKey ? 0.1 : 0.01;
  const steps: Record<string, Point> = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
  return steps[key];
}
