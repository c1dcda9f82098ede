import { expect, test } from "vitest";
import { fitted, framed, LARGEST, moved, visible, whole, zoomed } from "./zoom";

const frame = { width: 400, height: 300 };
const size = fitted({ width: 2000, height: 1000 }, frame);

test("a picture fits into its frame and lies in the middle", () => {
  expect(size).toEqual({ width: 400, height: 200 });
  expect(whole(size, frame)).toEqual({ scale: 1, x: 0, y: 50 });
});

test("what is under the pointer stays there", () => {
  const at = { x: 100, y: 150 };
  const before = whole(size, frame);
  const after = zoomed(before, 4, at, size, frame);
  expect((at.x - after.x) / after.scale).toBeCloseTo((at.x - before.x) / before.scale);
  expect((at.y - after.y) / after.scale).toBeCloseTo((at.y - before.y) / before.scale);
});

test("it is never smaller than its frame nor too large, and never leaves the frame", () => {
  const start = whole(size, frame);
  expect(zoomed(start, 0.1, { x: 0, y: 0 }, size, frame)).toEqual(start);
  expect(zoomed(start, 1e9, { x: 0, y: 0 }, size, frame).scale).toBe(LARGEST);
  expect(moved(zoomed(start, 2, { x: 200, y: 150 }, size, frame), 1e6, -1e6, size, frame)).toEqual({ scale: 2, x: 0, y: -100 });
  expect(moved(start, 30, 30, size, frame)).toEqual(start);
});

test("a box that is framed is visible, in the middle unless it lies at a side", () => {
  const [x, y, width, height] = visible(framed([0.4, 0.4, 0.2, 0.2], size, frame), size, frame);
  expect(x).toBeLessThan(0.4);
  expect(x + width).toBeGreaterThan(0.6);
  expect(x + width / 2).toBeCloseTo(0.5);
  expect(y + height / 2).toBeCloseTo(0.5);
  expect(visible(framed([0, 0, 0.1, 0.1], size, frame), size, frame)[0]).toBe(0);
  expect(framed([0.1, 0.1, 0.8, 0.8], size, frame)).toEqual(whole(size, frame));
});

test("the whole picture is visible at first", () => {
  expect(visible(whole(size, frame), size, frame)).toEqual([0, 0, 1, 1]);
});
