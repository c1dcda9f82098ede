// Other languages say all that English says, with the same values in it.

import { expect, test } from "vitest";
import english from "./en.json";

const FILES = import.meta.glob<Record<string, string>>(["./*.json", "!./en.json"], { eager: true, import: "default" });

/** The names of the {values} that a message takes. */
const values = (message: string): string[] => [...new Set(message.match(/\{\w+\}/g))].sort();

/** What a file lacks, has too much, says with nothing or with other values than English. */
function faults(messages: Record<string, string>): string[] {
  const keys = Object.keys(messages);
  return [
    ...Object.keys(english).filter((key) => !(key in messages)).map((key) => `lacks ${key}`),
    ...keys.filter((key) => !(key in english)).map((key) => `has ${key}, which is not in English`),
    ...Object.entries(english)
      .filter(([key]) => key in messages)
      .flatMap(([key, message]) => {
        const said = messages[key] ?? "";
        if (said.trim() === "") return [`says nothing for ${key}`];
        return String(values(said)) === String(values(message)) ? [] : [`has other values in ${key}: ${said}`];
      }),
  ];
}

test("faults are found", () => {
  const [first = "", second = "", third = "", ...rest] = Object.keys(english);
  const messages: Record<string, string> = { ...english, "no.key": "", [second]: " ", [third]: "{other}" };
  delete messages[first];
  expect(rest.length).toBeGreaterThan(0);
  expect(faults(messages)).toEqual([
    `lacks ${first}`,
    "has no.key, which is not in English",
    `says nothing for ${second}`,
    `has other values in ${third}: {other}`,
  ]);
});

test("every language says what English says, with the same values", () => {
  expect(Object.fromEntries(Object.entries(FILES).map(([file, messages]) => [file, faults(messages)]))).toEqual(
    Object.fromEntries(Object.keys(FILES).map((file) => [file, []])),
  );
});
