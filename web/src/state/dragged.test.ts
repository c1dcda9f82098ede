import { expect, test } from "vitest";
import { dragItem, readDragged } from "./dragged";

test("an item that is dragged is read where it is dropped", () => {
  let data = "";
  dragItem({ dataTransfer: { setData: (_: string, text: string) => (data = text) } } as unknown as DragEvent, { id: "ab", path: "/a/dog.png", modality: "image" });
  expect(readDragged(data)).toEqual({ id: "ab", label: "dog.png", modality: "image" });
});

test("what another page lets drag is no item", () => {
  const others = ["", "null", "[]", '{"id": 1}', '{"id": "ab", "label": "x", "modality": "smell"}'];
  expect(others.map(readDragged)).toEqual(others.map(() => undefined));
});
