import { expect, test } from "vitest";
import type { Hit } from "../api/types";
import { routes, spaceShares, termShares, wordMatches } from "./why";

const match = { term: "dog", weight: 1, contribution: 0.3, factors: { "text:photo": 0.75, "text:sound": 0.25 } };
const hitOf = (...matched_by: object[]) => ({ matched_by }) as unknown as Hit;

test("shares of terms add up, and what a minus took away is negative", () => {
  const shares = termShares(hitOf(match, { ...match, term: "cat", contribution: -0.1 }));
  expect(shares.map(({ name }) => name)).toEqual(["dog", "cat"]);
  expect(shares.map(({ share }) => share)).toEqual([0.3 / 0.4, -0.1 / 0.4]);
});

test("a hit to which nothing gave anything has no shares", () => {
  expect(termShares(hitOf({ ...match, contribution: 0 }))[0]!.share).toBe(0);
  expect(spaceShares(hitOf({ ...match, spaces: {} }))).toEqual([]);
});

test("spaces are added up over terms, without centring and without those that gave nothing", () => {
  const spaces = { "text:photo": 0.2, "text:sound": 0.0001, "text:centring": 0.5 };
  const shares = spaceShares(hitOf({ ...match, spaces }, { ...match, spaces: { "image:photo": 0.1, "image:text": 0.1 } }));
  expect(shares.map(({ name }) => name)).toEqual(["photo", "text"]);
  expect(shares[0]!.share).toBeCloseTo(0.3 / 0.4001);
});

test("the router's factors are ordered", () => {
  expect(routes({ ...match, factors: { "text:a": 0.25, "text:b": 0.75 } } as never).map(({ name }) => name)).toEqual(["b", "a"]);
});

test("a text that matched two terms is told once", () => {
  const found = { ...match, field: "name", text: "dog.png", marks: [[0, 3]] };
  expect(wordMatches(hitOf(found, { ...found, term: "dogs" }, match))).toHaveLength(1);
});
