import { expect, test } from "vitest";
import { EMPTY, withTerm, type Query } from "../query/query";
import { programOf } from "./programs";

const HERE = "http://127.0.0.1:8000";
const dog = { source: { kind: "text", value: "a dog's \"bed\"" }, weight: 1 } as const;
const item = { source: { kind: "item", value: "ab12" }, weight: -0.5, slice: "1-2" } as const;
const upload = { source: { kind: "upload", value: "0f", label: "my bark.wav" }, weight: 2 } as const;
const sum = withTerm(withTerm(EMPTY, dog), item);

test("curl sends the body of the page in one quoted word", () => {
  const made = programOf(sum, "curl", HERE);
  const [, body] = /-d '(.*)'$/s.exec(made) ?? [];
  expect(JSON.parse(body!.replaceAll("'\\''", "'"))).toEqual(JSON.parse(programOf(sum, "json", HERE)));
});

test("Python names what it imports", () => {
  expect(programOf(sum, "python", HERE).split("\n").slice(0, 5)).toEqual([
    "from omnisearch import Client, ItemRef, Term",
    "from omnisearch.query.slices import parse_slice",
    "",
    'with Client("http://127.0.0.1:8000") as client:',
    '    answer = client.search(Term("a dog\'s \\"bed\\"") - 0.5 * Term(ItemRef("ab12"), slice=parse_slice("1-2")), limit=10)',
  ]);
});

test("two boxes are joined in every language", () => {
  const query: Query = { ...withTerm(sum, upload, 1), join: "not", modalities: ["audio", "video"], where: ["has:speech"], words: false };
  expect(programOf(query, "python", HERE)).toContain(
    ') & ~(2 * Term(UploadRef("0f"))), limit=10, modalities=["audio", "video"], where=["has:speech"], words=False)',
  );
  expect(programOf(query, "command", HERE)).toBe(
    "omnisearch search '(' 'a dog'\\''s \"bed\"' - 0.5:id:ab12@1-2 ')' AND NOT '(' 2:'./my bark.wav' ')'" +
      " --in audio,video --where 'has:speech' --no-words --server http://127.0.0.1:8000",
  );
});

test("a first term may be negative", () => {
  const query = withTerm(EMPTY, { ...dog, weight: -1 });
  expect(programOf(query, "python", HERE)).toContain("search(-1 * Term(");
  expect(programOf(query, "command", HERE)).toMatch(/^omnisearch search - 'a dog/);
});
