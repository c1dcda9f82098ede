import { expect, test } from "vitest";
import land from "virtual:world";
import { outlineOf, type Topology } from "../../world";

const square: Topology = {
  transform: { scale: [10, 10], translate: [-180, -90] },
  arcs: [
    [[0, 0], [2, 0], [0, 2]],
    [[2, 2], [-2, 0], [0, -2]],
    [[5, 5], [0.001, 0], [0, 0.001]],
  ],
  objects: { land: { geometries: [{ type: "MultiPolygon", arcs: [[[0, 1]], [[2]]] }] } },
};

test("arcs are joined into rings, which shrink to nothing where they are small", () => {
  expect(outlineOf(square, "land")).toBe("M0 180L20 180L20 160L0 160L0 180Z");
});

test("the land of the world is inside of its view box", () => {
  const numbers = [...land.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  expect(numbers.length).toBeGreaterThan(500);
  expect(numbers.every(([x, y]) => x! >= 0 && x! <= 360 && y! >= 0 && y! <= 180)).toBe(true);
});
