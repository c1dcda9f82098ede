// What the terms of a query stand for: an address holds only the ids of items and uploads.

import { SvelteMap } from "svelte/reactivity";
import { askItem } from "../api/item";
import { Problem } from "../api/problem";
import { answered, server } from "../api/server";
import type { Modality } from "../api/types";
import { fileName } from "../parts/format";
import type { Source } from "../query/query";

export interface Known {
  readonly label: string;
  readonly modality?: Modality;
  readonly mime?: string;
  /** Seconds of a sound or film; unknown for uploads. */
  readonly duration?: number;
  /** The file itself, if it was chosen since the page was opened. */
  readonly file?: File;
  /** It is not on the server: the upload has expired, or the item was forgotten. */
  readonly gone?: boolean;
}

const known = new SvelteMap<string, Known>();
const asked = new Set<string>();

const keyOf = ({ kind, value }: Source): string => `${kind}:${value}`;

/** What is known of a source by now. */
export const about = (source: Source): Known | undefined => known.get(keyOf(source));

/** The name of a source for people. */
export const labelOf = (source: Source): string =>
  source.kind === "text" ? source.value : (about(source)?.label ?? source.label ?? source.value.slice(0, 8));

/** Tell what is known of a source, so that the server is not asked. */
export function tell(source: Source, facts: Known): void {
  known.set(keyOf(source), { ...known.get(keyOf(source)), ...facts });
}

/** Ask the server for what is not known of a source; once, unless it could not answer. */
export async function learn(source: Source): Promise<void> {
  const key = keyOf(source);
  if (source.kind === "text" || asked.has(key) || known.get(key)?.mime) return;
  asked.add(key);
  try {
    tell(source, source.kind === "item" ? await item(source.value) : await sent(source.value));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404) tell(source, { label: labelOf(source), gone: true });
    else asked.delete(key);
  }
}

async function item(id: string): Promise<Known> {
  const found = await askItem(id);
  return { label: fileName(found.path), modality: found.modality, mime: found.mime, duration: found.duration ?? undefined };
}

async function sent(id: string): Promise<Known> {
  const found = await answered(server.GET("/v1/uploads/{upload_id}", { params: { path: { upload_id: id } } }));
  return { label: found.name, modality: found.modality, mime: found.mime, gone: false };
}
