import { expect, test } from "vitest";
import type { Hit } from "../api/types";
import { sectionsOf } from "./sections";

const hit = (id: string, relevance: number, group = ""): Hit => ({ id, relevance, group }) as Hit;
const HITS = [hit("a", 0.9, "image"), hit("b", 0.4, "audio"), hit("c", 0.2, "image"), hit("d", 0.1, "text")];
const names = (sections: ReturnType<typeof sectionsOf>) => sections.map(({ name, hits }) => [name, hits.map(({ id }) => id).join("")]);

test("one list is divided at the cut, which still matches", () => {
  expect(names(sectionsOf(HITS, "", 0.4))).toEqual([["matching", "ab"], ["rest", "cd"]]);
  expect(names(sectionsOf(HITS, "", 0))).toEqual([["matching", "abcd"]]);
  expect(names(sectionsOf(HITS, "", 1))).toEqual([["rest", "abcd"]]);
  expect(sectionsOf([], "", 0.5)).toEqual([]);
});

test("groups keep the order in which they come", () => {
  expect(names(sectionsOf(HITS, "modality", 0.4))).toEqual([["image", "ac"], ["audio", "b"], ["text", "d"]]);
});
