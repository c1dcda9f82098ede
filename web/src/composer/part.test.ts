import { expect, test } from "vitest";
import { noteOf, pageOf, partOf, weighed, weightNote } from "./part";

test("a file has the part that its kind has", () => {
  expect(partOf("image")).toBe("crop");
  expect([partOf("audio"), partOf("video")]).toEqual(["trim", "trim"]);
  expect([partOf("text", "application/pdf"), partOf("text", "text/plain"), partOf("point_cloud")]).toEqual(["page", undefined, undefined]);
});

test("a slice is noted as people read it", () => {
  expect(noteOf("12.5-75")).toEqual({ kind: "trim", text: "0:12–1:15" });
  expect(noteOf("0.25-3")).toEqual({ kind: "trim", text: "0.3–3.0 s" });
  expect(noteOf("p3")).toEqual({ kind: "page", text: "3" });
  expect(noteOf("0.1,0.2,0.5,0.25").kind).toBe("crop");
  expect(["12.5", "nonsense", "1,2"].map(noteOf)).toEqual(["12.5", "nonsense", "1,2"].map((text) => ({ kind: "trim", text })));
  expect(["p0", "p", "3", "px", undefined].map(pageOf)).toEqual(Array(5).fill(undefined));
});

test("a weight stays within its bounds and keeps its sign", () => {
  expect([weighed(1, 1.1), weighed(-0.5, 0.6), weighed(1, 9), weighed(-1, 0)]).toEqual([1.1, -0.6, 2, -0.1]);
  expect(weighed(1, 0.7 + 0.1)).toBe(0.8);
  expect([weightNote(1), weightNote(-1), weightNote(-0.5)]).toEqual(["", "", "×0.5"]);
});
