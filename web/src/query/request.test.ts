import { expect, test } from "vitest";
import { EMPTY, withTerm } from "./query";
import { expressionOf, searchOf } from "./request";

const dog = { source: { kind: "text", value: "dog" }, weight: 1 } as const;
const bark = { source: { kind: "upload", value: "0f" }, weight: -0.5, slice: "1-2" } as const;

test("one box is a sum", () => {
  expect(expressionOf(withTerm(withTerm(EMPTY, dog), bark))).toEqual([
    { text: "dog", weight: 1 },
    { upload_id: "0f", weight: -0.5, slice: "1-2" },
  ]);
});

test("two boxes are joined", () => {
  const two = withTerm(withTerm(EMPTY, dog), bark, 1);
  const [first, second] = [[{ text: "dog", weight: 1 }], [{ upload_id: "0f", weight: -0.5, slice: "1-2" }]];
  expect(expressionOf({ ...two, join: "then" })).toEqual({ then: [first, second] });
  expect(expressionOf({ ...two, join: "and" })).toEqual({ and: [first, second] });
  expect(expressionOf({ ...two, join: "or" })).toEqual({ or: [first, second] });
  expect(expressionOf({ ...two, join: "not" })).toEqual({ and: [first, { not: second }] });
});

test("a box without terms does not count", () => {
  expect(expressionOf({ ...EMPTY, boxes: [[], [dog]] })).toEqual([{ text: "dog", weight: 1 }]);
  expect(() => expressionOf(EMPTY)).toThrow();
});

test("only what differs from the defaults is sent", () => {
  expect(Object.keys(searchOf(withTerm(EMPTY, dog), 40)).sort()).toEqual(["group", "limit", "query", "sort"]);
  expect(searchOf({ ...withTerm(EMPTY, dog), words: false, modalities: ["audio"], where: ["has:speech"] }, 40, "next")).toMatchObject({
    words: false,
    modalities: ["audio"],
    where: ["has:speech"],
    cursor: "next",
  });
});
