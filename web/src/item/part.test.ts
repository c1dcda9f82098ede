import { expect, test } from "vitest";
import { sliceOf } from "./part";

const sound = { modality: "audio", duration: 60 } as const;
const picture = { modality: "image", duration: null } as const;

test("a zoomed picture is cropped, else its box", () => {
  expect(sliceOf(picture, "", 0)).toBe("");
  expect(sliceOf(picture, "0.0,0.0,0.5,0.5", 0)).toBe("0.0,0.0,0.5,0.5");
  expect(sliceOf(picture, "0.0,0.0,0.5,0.5", 0, [0.25, 0, 0.5, 1])).toBe("0.25,0.0,0.5,1.0");
});

test("a sound has the stretch that was found while it is played, and else the one that is played", () => {
  expect(sliceOf(sound, "10-12", 11)).toBe("10-12");
  expect(sliceOf(sound, "10-12", 20)).toBe("20-25");
  expect(sliceOf(sound, "", 59)).toBe("55-60");
});

test("a short sound and other kinds have no part", () => {
  expect(sliceOf({ ...sound, duration: 4 }, "", 1)).toBe("");
  expect(sliceOf({ ...picture, modality: "point_cloud" }, "1-2", 1)).toBe("");
});
