import { expect, test } from "vitest";
import type { Hit } from "../api/types";
import { matchingOf } from "./matching";

const HITS = [0.9, 0.4, 0.2].map((relevance) => ({ relevance }) as Hit);

test("there may be more that match while the last hit does", () => {
  const counts = { image: 2, audio: 1, smell: 5 };
  expect(matchingOf(counts, HITS, "next", 0.4)).toEqual({ counts: { image: 2, audio: 1 }, total: 3, more: false });
  expect(matchingOf(counts, HITS, "next", 0.2).more).toBe(true);
  expect(matchingOf(counts, HITS, null, 0.2).more).toBe(false);
  expect(matchingOf({}, [], null, 0.2)).toEqual({ counts: {}, total: 0, more: false });
});
