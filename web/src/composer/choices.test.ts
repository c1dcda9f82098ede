import { expect, test } from "vitest";
import { choicesFor, pastFor } from "./choices";

const PAST = ["hot dog", "dogs at sea", "a cat"];

test("past queries fit by their beginning, then by a word", () => {
  expect(pastFor("dog", PAST)).toEqual(["dogs at sea", "hot dog"]);
  expect(pastFor("a cat", PAST)).toEqual([]);
  expect(pastFor("", PAST)).toEqual(PAST);
});

test("names are words, fields of items are conditions, and nothing comes twice", () => {
  const found = [
    { text: "dog.png", field: "name", count: 2 },
    { text: "Dogtown", field: "place", count: 1 },
    { text: "hot dog", field: "keywords", count: 9 },
  ];
  expect(choicesFor("dog", PAST, found).map(({ kind, value }) => [kind, value])).toEqual([
    ["past", "dogs at sea"],
    ["past", "hot dog"],
    ["name", "dog.png"],
    ["filter", "place:Dogtown"],
  ]);
});

test("fields are completed, and the list stays short", () => {
  expect(choicesFor("ta", [], []).map(({ value }) => value)).toEqual(["tag:", "taken:"]);
  const many = Array.from({ length: 20 }, (_, i) => ({ text: `tag ${i}`, field: "tag", count: 1 }));
  expect(choicesFor("ta", PAST, many)).toHaveLength(8);
});
