import { expect, test } from "vitest";
import { EMPTY } from "../query/query";
import { conditionOf, toggled } from "./conditions";

test("a value is a condition", () => {
  expect(conditionOf("year", "2023")).toBe("date:2023");
  expect(conditionOf("folder", "/photos/Lisbon & Porto")).toBe("path:/photos/Lisbon & Porto");
});

test("a condition is added, then removed", () => {
  const once = toggled(EMPTY, "place:Lisbon");
  expect(once.where).toEqual(["place:Lisbon"]);
  expect(toggled(toggled(once, "date:2023"), "place:Lisbon").where).toEqual(["date:2023"]);
});
