import { expect, test } from "vitest";
import { onThisDay } from "./items";

test("this day is one of earlier years", () => {
  expect(onThisDay(new Date(2026, 2, 5))).toEqual(["day:03-05", "taken<2026"]);
});
