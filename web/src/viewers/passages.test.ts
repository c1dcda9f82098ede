import { expect, test } from "vitest";
import { paragraphsOf, passageAt, type Passage } from "./passages";

const passage = (index: number, start: number, text: string, part = ""): Passage => ({ index, start, end: start + [...text].length, text, part, unit: "characters" });

test("what neighbours share is said once, in the characters of the server", () => {
  const all = paragraphsOf([passage(0, 0, "🐕 one two"), passage(1, 6, "two three"), passage(2, 15, " four")]);
  expect(all.map(({ text }) => text).join("")).toBe("🐕 one two three four");
});

test("a passage that its neighbour holds whole is left out", () => {
  expect(paragraphsOf([passage(0, 0, "one two"), passage(1, 4, "two")]).map(({ index }) => index)).toEqual([0]);
});

test("a page is named where it begins", () => {
  const pages = paragraphsOf([passage(0, 0, "a", "page 1"), passage(1, 1, "b", "page 1"), passage(2, 2, "c", "page 2")]);
  expect(pages.map(({ heading }) => heading)).toEqual(["page 1", "", "page 2"]);
});

test("a character belongs to the last passage that begins before it", () => {
  expect(passageAt([{ start: 0 }, { start: 50 }, { start: 90 }], 60)).toBe(1);
  expect(passageAt([], 60)).toBe(-1);
});
