import { expect, it } from "vitest";
import english from "./en.json";

const sources = import.meta.glob<string>(["../**/*.{svelte,ts}", "!../**/*.test.ts"], { query: "?raw", import: "default", eager: true });
const source = Object.values(sources).join("\n");
const keys = Object.keys(english);

// Keys are literals, or templates such as `kind.${name}.one`: each ${value} stands for one part of a key.
const literals = new Set([...source.matchAll(/["'`]([a-z][\w-]*(?:\.[\w-]+)+)["'`]/g)].map(([, key]) => key!));
const templates = [...source.matchAll(/`([a-z][\w.-]*\.\$\{[^`]*)`/g)].map(
  ([, text]) => new RegExp(`^${text!.split(/\$\{[^}]*\}/).map((part) => part.replaceAll(".", "\\.")).join("[\\w-]+")}$`),
);
const isUsed = (key: string): boolean => literals.has(key) || templates.some((template) => template.test(key));

it("uses each message", () => {
  expect(keys.filter((key) => !isUsed(key) && !isUsed(key.replace(/\.(one|other)$/, "")))).toEqual([]);
});

it("has each message that it uses", () => {
  const used = [...source.matchAll(/\b(?:t|counted)\("([^"]+)"/g)].map(([, key]) => key!);
  expect(used.filter((key) => !keys.includes(key) && !keys.includes(`${key}.other`))).toEqual([]);
});

it("has a message for each template", () => {
  expect(templates.filter((template) => !keys.some((key) => template.test(key)))).toEqual([]);
});
