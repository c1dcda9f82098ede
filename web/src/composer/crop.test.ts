import { expect, test } from "vitest";
import { between, LEAST, moved, resized, stepOf, WHOLE } from "./crop";

const close = (box: readonly number[] | undefined, wanted: number[]) =>
  wanted.forEach((side, i) => expect(box?.[i]).toBeCloseTo(side));

test("a rectangle moves within the picture", () => {
  close(moved([0.2, 0.2, 0.5, 0.5], 0.1, -0.1), [0.3, 0.1, 0.5, 0.5]);
  close(moved([0.2, 0.2, 0.5, 0.5], 9, -9), [0.5, 0, 0.5, 0.5]);
});

test("a corner moves, the opposite one stays, and they never cross", () => {
  close(resized(WHOLE, "nw", 0.25, 0.5), [0.25, 0.5, 0.75, 0.5]);
  close(resized([0.2, 0.2, 0.4, 0.4], "se", 0.1, -0.1), [0.2, 0.2, 0.5, 0.3]);
  close(resized([0.2, 0.2, 0.4, 0.4], "ne", -9, 9), [0.2, 0.6 - LEAST, LEAST, LEAST]);
  close(resized([0.2, 0.2, 0.4, 0.4], "sw", -9, 9), [0, 0.2, 0.6, 0.8]);
});

test("two points span a rectangle, in any order and within the picture", () => {
  close(between([0.75, 0.5], [0.25, 2]), [0.25, 0.5, 0.5, 0.5]);
  expect(between([0.5, 0.5], [0.505, 0.9])).toBeUndefined();
});

test("arrow keys step, and with Shift further", () => {
  expect(stepOf({ key: "ArrowUp", shiftKey: false })).toEqual([0, -0.01]);
  expect(stepOf({ key: "ArrowRight", shiftKey: true })).toEqual([0.1, 0]);
  expect(stepOf({ key: "a", shiftKey: false })).toBeUndefined();
});
