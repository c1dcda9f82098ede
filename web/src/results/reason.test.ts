import { expect, test } from "vitest";
import type { Hit, Match } from "../api/types";
import { runsOf } from "../parts/marks";
import { boxesOf, leadTo, secondOf, textMatch } from "./reason";

const match = (change: Partial<Match>): Match => ({ term: "dog", weight: 1, contribution: 0.1, ...change }) as Match;
const hit = (...matched_by: Match[]): Hit => ({ segment: null, matched_by }) as unknown as Hit;
const written = (runs: ReturnType<typeof runsOf>): string => runs.map(({ text, marked }) => (marked ? `[${text}]` : text)).join("");

test("a card begins near the first mark", () => {
  const long = "It was a dark and stormy night in a town by the sea, and the dog barked";
  const at = long.indexOf("dog");
  expect(written(leadTo(runsOf(long, [[at, at + 3]])))).toBe("…by the sea, and the [dog] barked");
  expect(written(leadTo(runsOf("the dog", [[4, 7]])))).toBe("the [dog]");
  expect(written(leadTo(runsOf(long, [])))).toBe(long);
});

test("marked words come before nearness", () => {
  const near = match({ field: "caption", text: "a puppy" });
  const word = match({ field: "speech", text: "dog", marks: [[0, 3]], start: 62, end: 64 });
  expect(textMatch(hit(match({}), near, word))).toBe(word);
  expect(textMatch(hit(near))).toBe(near);
  expect(textMatch(hit(match({})))).toBeUndefined();
});

test("the second is that of the segment, or else of the speech", () => {
  const spoken = hit(match({ field: "speech", text: "dog", start: 62, end: 64 }));
  expect(secondOf(spoken)).toBe(62);
  expect(secondOf({ ...spoken, segment: { start: 5, end: 9, unit: "seconds", part: "" } })).toBe(5);
  expect(secondOf({ ...hit(), segment: { start: 5, end: 9, unit: "characters", part: "" } })).toBeUndefined();
  expect(secondOf(hit())).toBeUndefined();
});

test("boxes are those of the matches", () => {
  expect(boxesOf(hit(match({ box: [0.1, 0.2, 0.3, 0.4] }), match({})))).toEqual([[0.1, 0.2, 0.3, 0.4]]);
});
