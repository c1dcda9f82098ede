import { expect, test } from "vitest";
import { read, write } from "./address";
import { EMPTY, withTerm, type Query } from "./query";

const back = (query: Query): Query => read(new URLSearchParams(write(query).toString()));

test("an empty query has an empty address", () => {
  expect(write(EMPTY).toString()).toBe("");
  expect(read(new URLSearchParams())).toEqual(EMPTY);
});

test("every part of a query comes back", () => {
  let query: Query = { ...EMPTY, modalities: ["video", "audio"], where: ['place:"Lisbon & Porto"', "taken:2023"], area: [[0, 0.5], [-1, 1], [0.25, -0.125]], sort: "taken", group: "day", words: false };
  query = withTerm(query, { source: { kind: "text", value: "a dog @ 3:4 & more" }, weight: 1 });
  query = withTerm(query, { source: { kind: "item", value: "ab_9-" }, weight: -0.5, slice: "12.5-15" });
  query = withTerm({ ...query, join: "not" }, { source: { kind: "upload", value: "0f" }, weight: 2, slice: "0.1,0.2,0.3,0.4" }, 1);
  expect(back(query)).toEqual(query);
});

test("what is named twice counts once", () => {
  const query = read(new URLSearchParams("in=audio&in=audio&where=tag:x&where=tag:x"));
  expect(query).toEqual({ ...EMPTY, modalities: ["audio"], where: ["tag:x"] });
});

test("a weight is written as it is read", () => {
  const query = read(new URLSearchParams("text=0.0000001:dust&text=0.333333333:dog"));
  expect(query).toEqual({ ...EMPTY, boxes: [[{ source: { kind: "text", value: "dog" }, weight: 0.33 }]] });
  expect(back(query)).toEqual(query);
});

test.each([Array(101).fill("0.1,0.2").join(";"), "1e9,0;1,1;0,1", "0,0;1,1;NaN,1", "0,0;1,1"])("an area that the server would refuse is none", (area) => {
  expect(read(new URLSearchParams({ area })).area).toEqual([]);
});

test("what cannot be read is left out", () => {
  const query = read(new URLSearchParams("text=dog&text=0:x&text=9:cat&item=1:a/b&join=xor&in=smell&sort=random&area=1,2;3&other=1"));
  expect(query).toEqual({ ...EMPTY, boxes: [[{ source: { kind: "text", value: "cat" }, weight: 2 }]] });
});
