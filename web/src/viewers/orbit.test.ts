import { expect, test } from "vitest";
import { framing, pointSize, turnOf } from "./orbit";

test("a ball fits into wide and narrow views", () => {
  for (const aspect of [0.4, 1, 2.5]) {
    const distance = framing(2, 35, aspect);
    const up = Math.tan((35 * Math.PI) / 360);
    const seen = Math.asin(2 / distance);
    expect(Math.tan(seen)).toBeLessThanOrEqual(up * Math.min(1, aspect));
  }
  expect(framing(2, 35, 1)).toBe(framing(2, 35, 3));
});

test("arrows turn, plus and minus are each other's inverse, other keys are free", () => {
  expect(turnOf("ArrowLeft")!.left! + turnOf("ArrowRight")!.left!).toBe(0);
  expect(turnOf("+")!.nearer! * turnOf("-")!.nearer!).toBeCloseTo(1);
  expect(turnOf("a")).toBeUndefined();
});

test("more points are smaller, within bounds", () => {
  const sizes = [1, 1000, 50_000, 1e9].map((count) => pointSize(1, count));
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(sizes[0]).toBeLessThan(0.1);
  expect(sizes.at(-1)).toBeGreaterThan(0);
});
