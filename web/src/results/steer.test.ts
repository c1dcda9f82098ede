import { expect, test } from "vitest";
import type { Hit } from "../api/types";
import { EMPTY, termsOf, withTerm } from "../query/query";
import { directionOf, steered } from "./steer";

const HIT = { id: "ab", path: "/photos/dog.jpg", modality: "image" } as Hit;
const QUERY = withTerm(EMPTY, { source: { kind: "text", value: "dog" }, weight: 1 });

test("a hit becomes a term with its name", () => {
  const more = steered(QUERY, HIT, "more");
  expect(termsOf(more)[1]).toEqual({ source: { kind: "item", value: "ab", label: "dog.jpg", modality: "image" }, weight: 1 });
  expect([directionOf(QUERY, HIT), directionOf(more, HIT)]).toEqual([undefined, "more"]);
});

test("the other direction replaces it, the same one removes it", () => {
  const less = steered(steered(QUERY, HIT, "more"), HIT, "less");
  expect([termsOf(less).length, directionOf(less, HIT)]).toEqual([2, "less"]);
  expect(steered(less, HIT, "less")).toEqual(QUERY);
});

test("a part of the hit is another term", () => {
  const part = withTerm(QUERY, { source: { kind: "item", value: "ab" }, weight: 1, slice: "1-2" });
  expect(directionOf(part, HIT)).toBeUndefined();
  expect(termsOf(steered(part, HIT, "more"))).toHaveLength(3);
});
