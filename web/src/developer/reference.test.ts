import { expect, test } from "vitest";
import openapi from "../../../docs/openapi.json";
import { groupsOf, typeOf, type Description } from "./reference";

const described = openapi as unknown as Description;

test("types are written as people write them", () => {
  expect(typeOf({ anyOf: [{ type: "string" }, { type: "null" }] })).toBe("string | null");
  expect(typeOf({ type: "array", items: { enum: ["a", "b"] } })).toBe('("a" | "b")[]');
  expect(typeOf({ type: "array", items: { $ref: "#/components/schemas/HitOut" } })).toBe("HitOut[]");
  expect(typeOf({ type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }] })).toBe("[integer, integer]");
  expect(typeOf({ type: "object", additionalProperties: { type: "number" } })).toBe("{name: number}");
});

test("every operation of the server is in the reference, once", () => {
  const shown = groupsOf(described).flatMap(({ operations }) => operations.map(({ method, path }) => `${method} ${path}`));
  const known = Object.entries(described.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  expect(shown.toSorted()).toEqual(known.toSorted());
});

test("a search shows its body and its answer", () => {
  const search = groupsOf(described).flatMap(({ operations }) => operations).find(({ key }) => key === "post /v1/search")!;
  expect(search.body.find(({ name }) => name === "query")).toMatchObject({ required: true });
  expect(search.answers).toMatchObject([{ status: "200", type: "SearchOut" }]);
  expect(search.answers[0]!.fields.map(({ name }) => name)).toContain("hits");
});
