// What the page says, in the language of its user. English is in the page; other languages are loaded when chosen.

import english from "./en.json";

export type Key = keyof typeof english;
type Messages = Record<Key, string>;
/** The keys of messages that depend on a number: they end in .one and .other. */
type Counted<K> = K extends `${infer Stem}.other` ? Stem : never;

const FILES = import.meta.glob<{ default: Partial<Messages> }>(["./*.json", "!./en.json"]);

/** The languages, each by its own name. */
export const LANGUAGES: Record<string, string> = {
  en: "English",
  de: "Deutsch",
  fr: "Français",
  es: "Español",
  ja: "日本語",
  zh: "中文",
};

function fileOf(code: string): string {
  return `./${code}.json`;
}

const STORED = "omnisearch.language";
let messages = $state.raw<Messages>(english);
let language = $state("en");

/** The language of the page, as its code. */
export const spoken = {
  get now(): string {
    return language;
  },
};

/** The message of a key, with its {values} filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return messages[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The name of a field in which a text matched: a label that a user gave has the name that the user gave it. */
export const fieldName = (field: string): string => messages[`field.${field}` as Key] ?? field;

/** The message of a number: one result, 2 results. */
export function counted(stem: Counted<Key>, count: number): string {
  const form = new Intl.PluralRules(language).select(count) === "one" ? "one" : "other";
  return t(`${stem}.${form}` as Key, { count: count.toLocaleString(language) });
}

/** Speak a language, and remember it in this browser. */
export async function speak(code: string): Promise<void> {
  const loaded = await FILES[fileOf(code)]?.().catch(() => undefined); // English, if it cannot be loaded
  messages = { ...english, ...loaded?.default };
  language = loaded ? code : "en";
  document.documentElement.lang = language;
  localStorage.setItem(STORED, language);
}

/** Speak the language that was chosen before, or the first one that the browser prefers and we have. */
export async function speakPreferred(): Promise<void> {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((code) => code?.split("-")[0] ?? "");
  await speak(wanted.find((code) => code in LANGUAGES) ?? "en");
}
