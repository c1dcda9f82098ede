import { expect, test } from "vitest";
import { monoOf, wavOf } from "./wav";

test("a WAV file has a header of 44 bytes and a sample of two bytes", () => {
  const view = new DataView(wavOf(Float32Array.of(0, 1, -1, 5), 16000));
  const text = (at: number) => String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
  expect([text(0), text(8), text(12), text(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
  expect([view.byteLength, view.getUint32(4, true), view.getUint32(24, true), view.getUint32(40, true)]).toEqual([52, 44, 16000, 8]);
  expect([0, 1, 2, 3].map((i) => view.getInt16(44 + 2 * i, true))).toEqual([0, 32767, -32767, 32767]);
});

test("channels are mixed into their mean", () => {
  expect([...monoOf([Float32Array.of(1, 0), Float32Array.of(0, -1)])]).toEqual([0.5, -0.5]);
  expect(monoOf([])).toHaveLength(0);
});
