// Near-duplicates that a person unfolded.

import { SvelteMap } from "svelte/reactivity";
import { askItem } from "../api/item";
import { Problem } from "../api/problem";
import type { Hit } from "../api/types";

// A burst of pictures has a few; more would bury the results.
const MOST = 24;

const shown = new SvelteMap<string, readonly Hit[]>();

/** The near-duplicates of a hit that are shown after it. */
export const similarTo = ({ id }: Hit): readonly Hit[] => shown.get(id) ?? [];

/** Show the near-duplicates of a hit, or hide them. One that is no longer in the index is left out. */
export async function toggleSimilar(hit: Hit): Promise<void> {
  if (shown.delete(hit.id)) return;
  const found = await Promise.all(hit.duplicates.slice(0, MOST).map((id) => itemOf(id)));
  shown.set(
    hit.id,
    found.flatMap((item) => (item ? [{ ...hit, ...item, duplicates: [], matched_by: [], segment: null, segments: [], missing: false }] : [])),
  );
}

async function itemOf(id: string): Promise<Partial<Hit> | undefined> {
  try {
    const found = await askItem(id);
    const { path, modality, mime, mtime, notes, segments, metadata } = found;
    return { id, path, modality, mime, mtime, notes, snippet: segments[0]?.snippet ?? "", taken: metadata.taken ?? null };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}
