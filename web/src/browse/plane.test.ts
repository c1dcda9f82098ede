import { expect, test } from "vitest";
import { isInside, moved, nearest, thinned, toMap, toScreen, whole, zoomed } from "./plane";

const size = { width: 800, height: 600 };

test("the screen and the map are inverse", () => {
  const camera = zoomed(whole(size), size, 3, { x: 100, y: 500 });
  const there = toMap(camera, size, { x: 37, y: 411 });
  const back = toScreen(camera, size, there);
  expect([back.x, back.y].map(Math.round)).toEqual([37, 411]);
});

test("the position under the pointer stays where it is while zooming", () => {
  const at = { x: 700, y: 80 };
  const before = toMap(whole(size), size, at);
  const after = toMap(zoomed(whole(size), size, 5, at), size, at);
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
});

test("the whole map shows all its points", () => {
  const points = [{ x: -0.2, y: 0 }, { x: 1, y: 0.1 }, { x: 0, y: -0.9 }];
  const seen = points.map((point) => toScreen(whole(size, points), size, point));
  expect(seen.every(({ x, y }) => x >= 0 && x <= size.width && y >= 0 && y <= size.height)).toBe(true);
  expect(whole(size, [{ x: 0.5, y: 0.5 }])).toEqual(whole(size));
});

test("neither zooming nor dragging loses the map", () => {
  expect(zoomed(whole(size), size, 1e9, { x: 0, y: 0 }).scale).toBeLessThan(1e5);
  expect(zoomed(whole(size), size, 1e-9, { x: 0, y: 0 }).scale).toBeGreaterThan(10);
  expect(moved(whole(size), { x: 1e6, y: -1e6 })).toMatchObject({ x: -1, y: -1 });
});

test("the nearest point counts only within reach", () => {
  const points = [{ x: 0, y: 0 }, { x: 0.5, y: 0.5 }];
  const camera = whole(size);
  const { x, y } = toScreen(camera, size, points[1]!);
  expect(nearest(points, camera, size, { x: x + 5, y }, 10)).toBe(points[1]);
  expect(nearest(points, camera, size, { x: x + 15, y }, 10)).toBeNull();
});

test("a polygon holds what it surrounds, also where it is hollow", () => {
  const hollow = [{ x: -1, y: -1 }, { x: 1, y: -1 }, { x: 1, y: 1 }, { x: 0, y: -0.5 }, { x: -1, y: 1 }];
  expect(isInside(hollow, { x: -0.9, y: 0 })).toBe(true);
  expect(isInside(hollow, { x: 0, y: 0.5 })).toBe(false);
  expect(isInside(hollow, { x: 2, y: 0 })).toBe(false);
});

test("a long line keeps its shape with fewer corners", () => {
  const line = Array.from({ length: 1000 }, (_, i) => i);
  expect(thinned(line, 4)).toEqual([0, 250, 500, 750]);
  expect(thinned([1, 2], 4)).toEqual([1, 2]);
});
