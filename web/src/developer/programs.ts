// The present query as programs would send it: curl, Python, the command line, and the body alone.

import type { Box, Join, Query, Term } from "../query/query";
import { searchOf } from "../query/request";

export const LANGUAGES = ["curl", "python", "command", "json"] as const;
export type Language = (typeof LANGUAGES)[number];

const LIMIT = 10;

/** The query in a language; `origin` is the address of the server, without a slash at its end. */
export function programOf(query: Query, language: Language, origin: string): string {
  switch (language) {
    case "curl":
      return curlOf(query, origin);
    case "python":
      return pythonOf(query, origin);
    case "command":
      return commandOf(query, origin);
    case "json":
      return bodyOf(query, 2);
  }
}

const bodyOf = (query: Query, indent = 0): string => JSON.stringify(searchOf(query, LIMIT), null, indent);

function curlOf(query: Query, origin: string): string {
  return [`curl ${origin}/v1/search`, "-H 'Content-Type: application/json'", `-d ${quoted(bodyOf(query))}`].join(" \\\n  ");
}

const filled = (query: Query): readonly Box[] => query.boxes.filter((box) => box.length);

// ---- Python

const PYTHON_JOINS: Record<Join, (first: string, second: string) => string> = {
  and: (first, second) => `(${first}) & (${second})`,
  or: (first, second) => `(${first}) | (${second})`,
  then: (first, second) => `(${first}) >> (${second})`,
  not: (first, second) => `(${first}) & ~(${second})`,
};

function pythonOf(query: Query, origin: string): string {
  const terms = query.boxes.flat();
  const names = ["Client", "Term"];
  if (terms.some(({ source }) => source.kind === "item")) names.push("ItemRef");
  if (terms.some(({ source }) => source.kind === "upload")) names.push("UploadRef");
  const [first, second] = filled(query).map(pythonSum);
  const asked = second === undefined ? first : PYTHON_JOINS[query.join](first!, second);
  const options = Object.entries(searchOf(query, LIMIT))
    .filter(([name, value]) => name !== "query" && value !== "" && value !== "relevance")
    .map(([name, value]) => `, ${name}=${pythonValue(value)}`);
  return [
    `from omnisearch import ${names.sort().join(", ")}`,
    ...(terms.some(({ slice }) => slice) ? ["from omnisearch.query.slices import parse_slice"] : []),
    "",
    `with Client(${pythonValue(origin)}) as client:`,
    `    answer = client.search(${asked}${options.join("")})`,
    "    for hit in answer.hits:",
    "        print(hit.relevance, hit.path)",
  ].join("\n");
}

const pythonSum = (box: Box): string =>
  box
    .map((term, index) => {
      if (index === 0 && term.weight < 0) return `${term.weight} * ${pythonTerm(term)}`;
      return signed(term, index, pythonTerm(term), (weight) => `${weight} * `);
    })
    .join(" ");

function pythonTerm({ source, slice }: Term): string {
  const value = pythonValue(source.value);
  const made = source.kind === "text" ? value : `${source.kind === "item" ? "ItemRef" : "UploadRef"}(${value})`;
  return `Term(${made}${slice ? `, slice=parse_slice(${pythonValue(slice)})` : ""})`;
}

/** A literal of Python: JSON's strings, numbers and lists are literals of Python too. */
function pythonValue(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value).replaceAll('","', '", "');
}

// ---- the command line

const COMMAND_JOINS: Record<Join, string> = { and: "AND", or: "OR", then: "THEN", not: "AND NOT" };

function commandOf(query: Query, origin: string): string {
  const [first, second] = filled(query).map((box) =>
    box.map((term, index) => signed(term, index, commandTerm(term), (weight) => `${weight}:`)).join(" "),
  );
  const asked = second === undefined ? first : `'(' ${first} ')' ${COMMAND_JOINS[query.join]} '(' ${second} ')'`;
  const options = [
    query.modalities.length ? ` --in ${query.modalities.join(",")}` : "",
    ...query.where.map((condition) => ` --where ${quoted(condition)}`),
    query.sort === "relevance" ? "" : ` --sort ${query.sort}`,
    query.group ? ` --group ${query.group}` : "",
    query.words ? "" : " --no-words",
  ];
  return `omnisearch search ${asked}${options.join("")} --server ${origin}`;
}

/** An upload is a file of the user, whose folder the page cannot know. */
function commandTerm({ source, slice }: Term): string {
  const at = slice ? `@${slice}` : "";
  if (source.kind === "text") return quoted(source.value);
  return source.kind === "item" ? `id:${source.value}${at}` : quoted(`./${source.label ?? source.value}${at}`);
}

// ---- both

function signed({ weight }: Term, index: number, term: string, weighed: (weight: number) => string): string {
  const size = Math.abs(weight) === 1 ? "" : weighed(Math.abs(weight));
  if (weight > 0) return `${index ? "+ " : ""}${size}${term}`;
  return `- ${size}${term}`;
}

/** Text as one word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
