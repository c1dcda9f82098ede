import { expect, test } from "vitest";
import { markedWords, runsOf, runsOfWords, wordsOf } from "./marks";

test("marks count characters as the server does", () => {
  expect(runsOf("🐕 dog", [[2, 5]])).toEqual([
    { text: "🐕 ", marked: false },
    { text: "dog", marked: true },
  ]);
});

test("marks may touch, overlap and leave the text; nothing is lost", () => {
  for (const marks of [[[0, 2], [2, 3]], [[0, 3], [1, 2]], [[4, 99]], [[9, 12]], []] as [number, number][][]) {
    expect(runsOf("abcdef", marks).map(({ text }) => text).join("")).toBe("abcdef");
  }
});

test("words that are marked in one text are marked in another, as whole words", () => {
  const words = markedWords([{ text: "the Dogs bark", marks: [[4, 8]] }]);
  expect([...words]).toEqual(["dogs"]);
  const runs = runsOfWords("DOGS, hotdogs and dogs", words);
  expect(runs.filter(({ marked }) => marked).map(({ text }) => text)).toEqual(["DOGS", "dogs"]);
  expect(runs.map(({ text }) => text).join("")).toBe("DOGS, hotdogs and dogs");
});

test("a text has words in every script", () => {
  expect(wordsOf("Käse, 3D-Modell!")).toEqual(["käse", "3d", "modell"]);
});
