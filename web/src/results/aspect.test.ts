import { expect, test } from "vitest";
import { aspectOf } from "./aspect";

test("pictures and films have their own shape, within limits", () => {
  expect(aspectOf({ modality: "image", aspect: 1.5 })).toBe(1.5);
  expect(aspectOf({ modality: "video", aspect: 0.1 })).toBeGreaterThan(0.5);
  expect(aspectOf({ modality: "image", aspect: 20 })).toBeLessThan(3);
});

test("what has no known shape has that of its kind", () => {
  for (const modality of ["text", "image", "audio", "video", "point_cloud"] as const) {
    expect(aspectOf({ modality })).toBe(aspectOf({ modality, aspect: null }));
    expect(aspectOf({ modality })).toBeGreaterThan(0.9);
  }
});
