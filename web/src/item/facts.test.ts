import { expect, test } from "vitest";
import type { Item } from "../api/types";
import { factsOf, takenOf } from "./facts";

const NOTHING = {
  time: "", taken: null, latitude: null, longitude: null, place: "", camera: "", lens: "", title: "", caption: "", keywords: [],
  artist: "", album: "", genre: "", year: null, rating: null, language: "",
};
const item: Item = {
  id: "a", path: "/a.jpg", modality: "image", mime: "image/jpeg", duration: null, size: 1234, mtime: 0, added: 0,
  tags: [], meta: {}, metadata: NOTHING, notes: [], segments: [], readings: [],
};

test("what a file does not say is left out", () => {
  expect(factsOf(item, "en").map(({ name }) => name)).toEqual(["fact.size", "fact.type"]);
});

test("a position on the equator is one", () => {
  const facts = factsOf({ ...item, metadata: { ...NOTHING, latitude: 0, longitude: -9.25 } }, "en");
  expect(facts[0]).toEqual({ name: "fact.position", value: "0.0000° N, 9.2500° W" });
});

test("a time is that of its place, wherever the reader is", () => {
  expect(takenOf("2023-07-14T16:05:00+02:00", "en-GB")).toBe("14 Jul 2023, 16:05");
  expect(takenOf("2023-07-14", "en-GB")).toBe("14 Jul 2023");
  expect(takenOf("once", "en")).toBe("once");
});

test("a language that is none is shown as it is", () => {
  expect(factsOf({ ...item, metadata: { ...NOTHING, language: "no language!" } }, "en")[0]!.value).toBe("no language!");
  expect(factsOf({ ...item, metadata: { ...NOTHING, language: "de" } }, "en")[0]!.value).toBe("German");
});
