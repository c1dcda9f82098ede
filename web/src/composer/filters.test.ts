import { expect, test } from "vitest";
import { EMPTY, withTerm, type Query } from "../query/query";
import { filtersOf } from "./filters";

const query: Query = { ...EMPTY, modalities: ["audio", "video"], where: ["size>1MB", "tag:x"], area: [[0, 0], [1, 0], [0, 1]] };

test("each filter can be removed alone", () => {
  const [sounds, , large, tagged, area] = filtersOf(query).map(({ without }) => without);
  expect(sounds).toEqual({ ...query, modalities: ["video"] });
  expect(large).toEqual({ ...query, where: ["tag:x"] });
  expect(tagged).toEqual({ ...query, where: ["size>1MB"] });
  expect(area).toEqual({ ...query, area: [] });
});

test("results choose their kinds elsewhere", () => {
  const searched = withTerm(query, { source: { kind: "text", value: "dog" }, weight: 1 });
  expect(filtersOf(searched).map(({ without }) => without.modalities)).toEqual(Array(3).fill(query.modalities));
  expect(filtersOf(EMPTY)).toEqual([]);
});
