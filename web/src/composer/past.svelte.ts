// The words that were searched for in this browser, the newest first.

const STORED = "omnisearch.past";
const MOST = 50;

let kept = $state.raw<readonly string[]>(read());

/** The past queries. */
export const past = {
  get now(): readonly string[] {
    return kept;
  },
};

/** Remember words; the same words are remembered once. */
export function remember(words: string): void {
  kept = [words, ...kept.filter((other) => other !== words)].slice(0, MOST);
  write();
}

/** Forget all past queries. */
export function forget(): void {
  kept = [];
  write();
}

function read(): readonly string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string").slice(0, MOST) : [];
  } catch {
    return []; // the browser keeps nothing for this page, or it is no list
  }
}

function write(): void {
  try {
    localStorage.setItem(STORED, JSON.stringify(kept));
  } catch {
    // The browser keeps nothing for this page: they last as long as it is open.
  }
}
