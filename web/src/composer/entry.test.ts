import { expect, test } from "vitest";
import { fieldsFor, isEnough, readEntry } from "./entry";

const term = (value: string, weight: number) => ({ kind: "term", term: { source: { kind: "text", value }, weight } });

test("words are a term, and less of it after a minus", () => {
  expect(readEntry("  a dog: barking ")).toEqual(term("a dog: barking", 1));
  expect(readEntry("- fruit")).toEqual(term("fruit", -0.5));
  expect(["-5 degrees", "-", " - "].map((text) => readEntry(text))).toEqual([term("-5 degrees", 1), term("-", 1), term("-", 1)]);
  expect(readEntry(" \t")).toBeUndefined();
});

test("a known field with a value is a condition", () => {
  const conditions = ["taken:2023", "size>1MB", "!tag:private", "place:38.72,-9.14,5km", "meta.author:ann"];
  expect(conditions.map(readEntry)).toEqual(conditions.map((condition) => ({ kind: "condition", condition })));
  expect(["taken:", "colour:red", "12:30", "taken"].map((text) => readEntry(text)?.kind)).toEqual(Array(4).fill("term"));
});

test("fields are completed from two letters on", () => {
  expect(fieldsFor("ta")).toEqual(["tag", "taken"]);
  expect(fieldsFor("t")).toEqual([]);
  expect(fieldsFor("taken:")).toEqual([]);
});

test("a letter or half a condition is too little, a character that is a word is not", () => {
  expect(["taken:", "size >", "!tag: ", "colour:"].map(isEnough)).toEqual([false, false, false, true]);
  expect(["d", "do", "猫", ""].map(isEnough)).toEqual([false, true, true, false]);
});
