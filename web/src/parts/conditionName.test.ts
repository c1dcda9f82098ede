import { expect, test } from "vitest";
import { conditionName, valueName } from "./conditionName";

test("a condition is named by its field and its value", () => {
  expect(["mime:image/png", "size>=1MB", "taken<2026", "!tag:private", "meta.author:ann"].map(conditionName)).toEqual([
    "Type: image/png",
    "Size: ≥ 1MB",
    "Taken: < 2026",
    "not Tags: private",
    "author: ann",
  ]);
});

test("a language and a folder have short names", () => {
  expect(["language:de", "language:(((", "path:/home/ann/photos/Lisbon"].map(conditionName)).toEqual([
    "Language: German",
    "Language: (((",
    "Folder: photos/Lisbon",
  ]);
});

test("other values are as they are", () => {
  expect([valueName("path", "/photos"), valueName("camera", "Canon/5D")]).toEqual(["/photos", "Canon/5D"]);
});

test("another condition is as it was typed", () => {
  expect(["has:gps", "(((", "day:11-29", "mime:", ""].map(conditionName)).toEqual(["has:gps", "(((", "day:11-29", "mime:", ""]);
});
