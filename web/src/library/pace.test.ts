import { expect, test } from "vitest";
import { rateOf, sampled, secondsLeft, type Sample } from "./pace";

const after = (...samples: [number, number][]): Sample[] =>
  samples.reduce<Sample[]>((kept, [time, done]) => sampled(kept, { time, done }), []);

test("a rate needs some seconds and some progress", () => {
  expect(rateOf(after([0, 0]))).toBeNull();
  expect(rateOf(after([0, 0], [1, 50]))).toBeNull();
  expect(rateOf(after([0, 5], [9, 5]))).toBeNull();
  expect(rateOf(after([0, 0], [4, 100]))).toBe(25);
});

test("the time left follows from what is left", () => {
  expect(secondsLeft(after([0, 0], [4, 100]), 200)).toBe(4);
  expect(secondsLeft(after([0, 0], [4, 100]), null)).toBeNull();
});

test("only the last samples count, and a job that begins again starts over", () => {
  const slowThenFast = after([0, 0], [100, 1], ...Array.from({ length: 20 }, (_, i): [number, number] => [101 + i, 1 + 10 * (i + 1)]));
  expect(rateOf(slowThenFast)).toBeCloseTo(10);
  expect(after([0, 0], [4, 100], [5, 3])).toEqual([{ time: 5, done: 3 }]);
});
