import { expect, test } from "vitest";
import { pageAt, pagesOf } from "./pages";

const segment = (part: string, start: number | null, index = 0) => ({ index, part, start, end: start, unit: "characters", snippet: "" });
const pages = pagesOf([segment("page 1", 0), segment("page 1", 900), segment("page 3", 1800), segment("", 2000), segment("page 4", null)]);

test("a page begins with the first of its segments", () => {
  expect(pages).toEqual([
    { number: 1, start: 0 },
    { number: 3, start: 1800 },
  ]);
});

test("a character is on the last page that begins before it", () => {
  expect([undefined, 0, 1799, 1800, 99_999].map((character) => pageAt(pages, character))).toEqual([1, 1, 1, 3, 3]);
  expect(pageAt([], 5)).toBe(1);
});
