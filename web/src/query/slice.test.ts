import { expect, test } from "vitest";
import type { Hit } from "../api/types";
import { atOf, readAt, writeRegion, writeSpan } from "./slice";

test("an address is read as it was written", () => {
  expect(readAt(writeSpan({ start: 12.5, end: 15 }))).toEqual({ start: 12.5, end: 15 });
  expect(readAt(writeRegion([0.125, 0, 1, 0.3333333]))).toEqual({ box: [0.125, 0, 1, 0.3333] });
  expect(readAt("7")).toEqual({ start: 7 });
  expect(writeRegion([0, 0.5, 1, 0.25])).toBe("0.0,0.5,1.0,0.25");
});

test("what cannot be read is nothing", () => {
  for (const wrong of ["", "x", "-1", "1-2-3", "1e9", "0,0,0,0", "0,0,2,1", "1,2", "NaN", "9".repeat(40)]) expect(readAt(wrong)).toEqual({});
  expect(readAt("5-2")).toEqual({ start: 5 });
});

test("a hit is about the word that matched before its segment", () => {
  const hit = { modality: "audio", segment: { start: 10, end: 20, unit: "seconds", part: "" }, matched_by: [] } as unknown as Hit;
  expect(atOf(hit)).toBe("10");
  expect(atOf({ ...hit, matched_by: [{ start: 12.25, end: 13 }] } as unknown as Hit)).toBe("12.25");
  expect(atOf({ ...hit, modality: "image", segment: null, matched_by: [{ box: [0, 0.5, 0.5, 0.5] }] } as unknown as Hit)).toBe("0.0,0.5,0.5,0.5");
});
