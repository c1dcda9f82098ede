import { expect, test } from "vitest";
import { rowsOf, type Measure, type Row } from "./layout";

const MEASURE: Measure = { width: 1000, height: 200, gap: 10 };
const widthOf = ({ sizes }: Row): number => sizes.reduce((sum, { width }) => sum + width, MEASURE.gap * (sizes.length - 1));
const heightsOf = ({ sizes }: Row): number[] => [...new Set(sizes.map(({ height }) => height))];
/** Aspects that are as mixed as those of a collection. */
const mixed = (count: number): number[] => Array.from({ length: count }, (_, n) => [1.5, 0.66, 2.4, 1, 1.33, 0.5, 1.78][(n * n) % 7]!);

test("closed rows fill the width, and no row exceeds it", () => {
  const rows = rowsOf(mixed(200), MEASURE);
  expect(rows.flatMap(({ sizes }) => sizes)).toHaveLength(200);
  for (const row of rows) {
    if (row.closed) expect(widthOf(row)).toBe(MEASURE.width);
    else expect(widthOf(row)).toBeLessThanOrEqual(MEASURE.width);
  }
});

test("cards keep their aspect, and those of a row have one height", () => {
  const aspects = mixed(60);
  const rows = rowsOf(aspects, MEASURE);
  rows
    .flatMap(({ sizes }) => sizes)
    .forEach(({ width, height }, n) => expect(Math.abs(width - height * aspects[n]!)).toBeLessThan(6));
  for (const row of rows) expect(heightsOf(row)).toHaveLength(1);
});

test("cards that follow leave closed rows as they are", () => {
  const few = rowsOf(mixed(41), MEASURE).filter(({ closed }) => closed);
  expect(few.length).toBeGreaterThan(5);
  expect(rowsOf(mixed(80), MEASURE).slice(0, few.length)).toEqual(few);
});

test("a row of few cards is not blown up", () => {
  const [row] = rowsOf([1, 1], MEASURE);
  expect([row!.closed, heightsOf(row!)]).toEqual([false, [200]]);
});

test("a panorama on a phone is no wider than the phone", () => {
  expect(widthOf(rowsOf([12], { ...MEASURE, width: 330 })[0]!)).toBe(330);
});

test("a portrait before a panorama keeps the wanted height", () => {
  const rows = rowsOf([0.5, 12], MEASURE);
  expect(rows.map(({ closed }) => closed)).toEqual([true, true]);
  expect(heightsOf(rows[0]!)).toEqual([200]);
});

test("nothing has no rows", () => expect(rowsOf([], MEASURE)).toEqual([]));
