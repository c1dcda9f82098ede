import { expect, test } from "vitest";
import { bytes, clock, fileName } from "./format";

test("seconds are written as a clock", () => {
  expect([0, 9.9, 62.4, 3600, 36610].map(clock)).toEqual(["0:00", "0:09", "1:02", "1:00:00", "10:10:10"]);
});

test("a name is the last part of a path", () => {
  expect(["a/b/c.txt", "C:\\pictures\\cat.jpg", "alone"].map(fileName)).toEqual(["c.txt", "cat.jpg", "alone"]);
});

test("sizes have three digits", () => {
  expect([0, 999, 1000, 12_345, 1.5e9, 2e15].map(bytes)).toEqual(["0 B", "999 B", "1.00 kB", "12.3 kB", "1.50 GB", "2000 TB"]);
});
