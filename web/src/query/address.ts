// A query in the address bar, so that Back, reload and sharing work:
//
//   ?text=1:dog&item=-0.5:ID&join=then&upload=1:ID@12.5-15&in=video&where=taken:2023&sort=taken
//
// `join` begins the second box. A file is its upload.

import { isModality } from "../api/types";
import { EMPTY, GROUPS, JOINS, MAX_COORDINATE, MAX_CORNERS, MAX_WEIGHT, SORTS, withCondition, type Box, type Corner, type Query, type Source, type Term } from "./query";

const TERM = /^(-?\d+(?:\.\d+)?):(.+)$/s;
// Ids hold no "@"; a slice is of a file, so a text keeps its own.
const SLICED = /^([\w-]+)(?:@(.+))?$/s;

/** Write a query as the parameters of an address. */
export function write(query: Query): URLSearchParams {
  const out = new URLSearchParams();
  query.boxes.forEach((box, index) => {
    if (index > 0 && box.length) out.append("join", query.join);
    for (const { source, weight, slice } of box) {
      out.append(source.kind, `${weight}:${source.value}${slice ? `@${slice}` : ""}`);
    }
  });
  for (const modality of query.modalities) out.append("in", modality);
  for (const condition of query.where) out.append("where", condition);
  if (query.area.length) out.append("area", writeArea(query.area));
  if (query.sort !== EMPTY.sort) out.append("sort", query.sort);
  if (query.group !== EMPTY.group) out.append("group", query.group);
  if (!query.words) out.append("words", "0");
  return out;
}

/** Read a query; what cannot be read is left out. */
export function read(parameters: URLSearchParams): Query {
  const boxes: Term[][] = [[]];
  let query: Query = EMPTY;
  for (const [name, value] of parameters) {
    const term = readTerm(name, value);
    if (term) boxes.at(-1)!.push(term);
    else if (name === "join" && isOneOf(JOINS, value) && boxes.length < 2) {
      boxes.push([]);
      query = { ...query, join: value };
    } else if (name === "in" && isModality(value)) query = { ...query, modalities: [...new Set([...query.modalities, value])] };
    else if (name === "where") query = withCondition(query, value);
    else if (name === "area") query = { ...query, area: readArea(value) };
    else if (name === "sort" && isOneOf(SORTS, value)) query = { ...query, sort: value };
    else if (name === "group" && isOneOf(GROUPS, value)) query = { ...query, group: value };
    else if (name === "words") query = { ...query, words: value !== "0" };
  }
  return { ...query, boxes: boxes as readonly Box[] };
}

function readTerm(name: string, text: string): Term | undefined {
  const [, number, value] = TERM.exec(text) ?? [];
  // Rounded, since a smaller number would be written with an exponent, which is no weight.
  const weight = Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, Math.round(100 * Number(number)) / 100));
  if (!value || !weight) return undefined;
  if (name === "text") return { source: { kind: "text", value }, weight };
  if (name !== "item" && name !== "upload") return undefined;
  const [, id, slice] = SLICED.exec(value) ?? [];
  if (!id) return undefined;
  const source: Source = { kind: name, value: id };
  return slice ? { source, weight, slice } : { source, weight };
}

/** An area as a link writes it: x,y;x,y;x,y. */
export const writeArea = (area: readonly Corner[]): string => area.map((corner) => corner.join(",")).join(";");

function readArea(text: string): readonly Corner[] {
  const corners = text.split(";").map((corner) => corner.split(",").map(Number));
  if (corners.length < 3 || corners.length > MAX_CORNERS) return [];
  return corners.every((corner) => corner.length === 2 && corner.every((x) => Math.abs(x) <= MAX_COORDINATE)) ? (corners as [number, number][]) : [];
}

const isOneOf = <T extends string>(known: readonly T[], text: string): text is T => (known as readonly string[]).includes(text);
