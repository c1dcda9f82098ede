// Conditions as people read them.

import { spoken, t, type Key } from "../messages/messages.svelte";

const CONDITION = /^(!?)(meta\.)?([\w-]+)(:|<=|>=|<|>)(.+)$/s;
const FIELDS: Readonly<Record<string, Key>> = {
  mime: "fact.type",
  path: "facet.folder",
  tag: "fact.tags",
  size: "fact.size",
  duration: "fact.duration",
  mtime: "fact.changed",
  taken: "fact.taken",
  date: "fact.taken",
  camera: "fact.camera",
  lens: "fact.lens",
  place: "fact.place",
  artist: "fact.artist",
  album: "fact.album",
  genre: "fact.genre",
  year: "fact.year",
  rating: "fact.rating",
  language: "fact.language",
};
const SIGNS: Readonly<Record<string, string>> = { ":": "", "<": "< ", ">": "> ", "<=": "≤ ", ">=": "≥ " };

/** The name of a condition: "Type: image/png" for mime:image/png. One that has no words for its field is as it was typed. */
export function conditionName(condition: string): string {
  const [, not, label, field = "", sign = "", value = ""] = CONDITION.exec(condition) ?? [];
  const key = label ? undefined : FIELDS[field];
  if (!key && !label) return condition;
  const said = `${key ? t(key) : field}: ${SIGNS[sign]}${valueName(field, value)}`;
  return not ? t("filter.not", { condition: said }) : said;
}

/** A value as people read it: the name of a language, the last folders of a path. */
export function valueName(field: string, value: string): string {
  if (field === "language") return languageName(value);
  return field === "path" ? value.split("/").slice(-2).join("/") || value : value;
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(spoken.now, { type: "language", fallback: "code" }).of(code) ?? code;
  } catch {
    return code; // a condition may say anything
  }
}
