import { expect, test } from "vitest";
import { barsOf, secondOf, shareAt } from "./waveform";

test("bars are the loudest of their stretch, relative to the loudest of all", () => {
  expect(barsOf({ min: [-10, 0, -40, 0], max: [0, 20, 0, 5] }, 2)).toEqual([0.5, 1]);
  expect(barsOf({ min: [-10, -20], max: [0, 0] }, 4)).toEqual([0.5, 0.5, 1, 1]);
});

test("silence and an empty sound have a waveform, too", () => {
  expect(barsOf({ min: [0, 0], max: [0, 0] }, 2)).toEqual([0, 0]);
  expect(barsOf({ min: [], max: [] }, 3)).toEqual([]);
});

test("a place outside of the strip is its end", () => {
  expect([-5, 25, 500].map((x) => shareAt(x, 100))).toEqual([0, 0.25, 1]);
  expect(shareAt(5, 0)).toBe(0);
});

test("keys seek within the sound", () => {
  expect(secondOf("ArrowRight", 8, 10)).toBe(10);
  expect(secondOf("ArrowLeft", 3, 10)).toBe(0);
  expect(secondOf("End", 3, 10)).toBe(10);
  expect(secondOf("a", 3, 10)).toBeUndefined();
});
