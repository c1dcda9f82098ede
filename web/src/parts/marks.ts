// Words in a text that are marked. The server counts characters as Python does: a character outside the basic plane is one.

export interface Run {
  readonly text: string;
  readonly marked: boolean;
}

/** Split a text at the marks of a match: pairs of offsets in characters. */
export function runsOf(text: string, marks: readonly (readonly [number, number])[]): Run[] {
  const characters = [...text];
  const runs: Run[] = [];
  let at = 0;
  const add = (end: number, marked: boolean): void => {
    if (end > at) runs.push({ text: characters.slice(at, end).join(""), marked });
    at = Math.max(at, end);
  };
  for (const [start, end] of [...marks].sort(([a], [b]) => a - b)) {
    add(Math.min(start, characters.length), false);
    add(Math.min(end, characters.length), true);
  }
  add(characters.length, false);
  return runs;
}

/** The words that are marked in some texts, without regard to case. */
export const markedWords = (texts: readonly { text?: string; marks?: readonly (readonly [number, number])[] }[]): Set<string> =>
  new Set(texts.flatMap(({ text = "", marks = [] }) => runsOf(text, marks).filter((run) => run.marked).map((run) => fold(run.text))));

/** Split a text at some words, wherever they are whole words. */
export function runsOfWords(text: string, words: ReadonlySet<string>): Run[] {
  if (!words.size) return [{ text, marked: false }];
  const runs: Run[] = [];
  for (const part of text.split(/([\p{L}\p{N}\p{M}]+)/u)) {
    const marked = words.has(fold(part));
    const last = runs.at(-1);
    if (last && !marked && !last.marked) runs[runs.length - 1] = { text: last.text + part, marked };
    else if (part) runs.push({ text: part, marked });
  }
  return runs;
}

/** The words of a text, as `runsOfWords` compares them. */
export const wordsOf = (text: string): string[] => [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)].map(([word]) => fold(word));

const fold = (word: string): string => word.toLowerCase();
