import { expect, test } from "vitest";
import { around, shotAt, thinned } from "./shots";

test("a strip has a bounded number of shots, each once and in order", () => {
  expect(thinned([4, 0, 4, 2], 8)).toEqual([0, 2, 4]);
  const many = thinned(Array.from({ length: 1000 }, (_, index) => index), 16);
  expect(many).toHaveLength(16);
  expect(many[0]).toBe(0);
  expect(many).toEqual([...new Set(many)].sort((a, b) => a - b));
});

test("the shot at a second is the last that began", () => {
  expect([0, 1.9, 2, 99].map((second) => shotAt([0, 2, 4], second))).toEqual([0, 0, 1, 2]);
  expect(shotAt([5], 1)).toBe(0);
});

test("shots around a second are as many as there are, up to a number", () => {
  const shots = [0, 10, 20, 30, 40, 50];
  expect(around(shots, 25, 3)).toEqual([10, 20, 30]);
  expect(around(shots, 0, 3)).toEqual([0, 10, 20]);
  expect(around(shots, 99, 3)).toEqual([30, 40, 50]);
  expect(around(shots, 25, 20)).toEqual(shots);
  expect(around([], 5, 3)).toEqual([]);
});
