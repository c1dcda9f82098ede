import { expect, test } from "vitest";
import { reached, type Spot } from "./arrows";

const spot = (x: number, y: number, width: number): Spot => ({ x, y, width });
// Two cards, then three, then one.
const SPOTS = [spot(0, 0, 200), spot(210, 0, 100), spot(0, 110, 90), spot(100, 110, 100), spot(210, 110, 100), spot(0, 220, 80)];

test("left and right follow the list across rows", () => {
  expect(reached(SPOTS, 1, "ArrowRight")).toBe(2);
  expect(reached(SPOTS, 2, "ArrowLeft")).toBe(1);
  expect([reached(SPOTS, 0, "ArrowLeft"), reached(SPOTS, 5, "ArrowRight")]).toEqual([0, 5]);
});

test("up and down lead to the nearest card of the next row", () => {
  expect(reached(SPOTS, 0, "ArrowDown")).toBe(3);
  expect(reached(SPOTS, 1, "ArrowDown")).toBe(4);
  expect(reached(SPOTS, 4, "ArrowUp")).toBe(1);
  expect(reached(SPOTS, 4, "ArrowDown")).toBe(5);
  expect([reached(SPOTS, 1, "ArrowUp"), reached(SPOTS, 5, "ArrowDown")]).toEqual([1, 5]);
});

test("Home and End lead to the ends", () => {
  expect([reached(SPOTS, 3, "Home"), reached(SPOTS, 3, "End")]).toEqual([0, 5]);
});

test("where text runs to the left, left is forward", () => {
  expect(reached(SPOTS, 1, "ArrowLeft", true)).toBe(2);
});
