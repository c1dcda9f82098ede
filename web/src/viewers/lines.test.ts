import { expect, test } from "vitest";
import { fieldsOf, lineAt, type Line } from "./lines";

const line = (start: number | null, end: number | null, field: Line["field"] = "speech"): Line => ({ field, text: "", start, end, box: null, language: "" });
const lines = [line(1, 2), line(3, 5), line(30, 31)];

test("the line at a second is the last that has begun", () => {
  expect([0, 1, 2.5, 3, 4.9, 30].map((second) => lineAt(lines, second))).toEqual([-1, 0, 0, 1, 1, 2]);
});

test("in a long pause there is no line", () => {
  expect(lineAt(lines, 20)).toBe(-1);
  expect(lineAt(lines, 8)).toBe(1);
});

test("lines of a picture have no time", () => {
  expect(lineAt([line(null, null, "ocr")], 3)).toBe(-1);
});

test("kinds come in their order, those that are there", () => {
  expect(fieldsOf([line(0, 1, "chapter"), line(0, 1)])).toEqual(["speech", "chapter"]);
});
