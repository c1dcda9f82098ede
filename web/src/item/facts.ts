// The facts of an item, in the order in which they are read.

import type { Item } from "../api/types";
import { bytes, clock, moment } from "../parts/format";
import type { Key } from "../messages/messages.svelte";

interface Fact {
  readonly name: Key;
  readonly value: string;
}

/** What is known of an item, but for its path, labels and notes. */
export function factsOf(item: Item, language: string): Fact[] {
  const { metadata: said } = item;
  const rows: [Key, string | number | null | undefined][] = [
    ["fact.title", said.title],
    ["fact.caption", said.caption],
    ["fact.taken", takenOf(said.time, language)],
    ["fact.place", said.place],
    ["fact.position", positionOf(said.latitude, said.longitude)],
    ["fact.camera", said.camera],
    ["fact.lens", said.lens],
    ["fact.artist", said.artist],
    ["fact.album", said.album],
    ["fact.genre", said.genre],
    ["fact.year", said.year],
    ["fact.rating", said.rating ? "★".repeat(Math.min(5, said.rating)) : ""],
    ["fact.keywords", said.keywords.join(", ")],
    ["fact.language", languageOf(said.language, language)],
    ["fact.duration", item.duration === null ? "" : clock(item.duration)],
    ["fact.size", bytes(item.size)],
    ["fact.type", item.mime],
    ["fact.changed", item.mtime ? moment(item.mtime, language) : ""],
    ["fact.tags", item.tags.join(", ")],
  ];
  const labels = Object.entries(item.meta).map(([key, value]) => `${key}: ${value}`);
  return [...rows, ["fact.labels", labels.join(", ")] as const].flatMap(([name, value]) => (value ? [{ name, value: String(value) }] : []));
}

/** A local time such as 2023-07-14T16:05:00+02:00 as people write it; the time of the place where it was taken. */
export function takenOf(time: string, language: string): string {
  const [, year, month, day, hour = "", minute = ""] = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?/.exec(time) ?? [];
  if (!year || !month || !day) return time;
  const local = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute)));
  return local.toLocaleString(language, { timeZone: "UTC", dateStyle: "medium", ...(hour ? { timeStyle: "short" } : {}) });
}

function positionOf(latitude: number | null, longitude: number | null): string {
  if (latitude === null || longitude === null) return "";
  return `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? "S" : "N"}, ${Math.abs(longitude).toFixed(4)}° ${longitude < 0 ? "W" : "E"}`;
}

function languageOf(code: string, language: string): string {
  try {
    return code ? (new Intl.DisplayNames(language, { type: "language" }).of(code) ?? code) : "";
  } catch {
    return code; // a file may say anything
  }
}
