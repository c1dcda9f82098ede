// Files on their way to the server, where queries name them by id.

import { Problem } from "../api/problem";
import type { Modality } from "../api/types";
import { upload } from "../api/upload";
import { t } from "../messages/messages.svelte";
import { bytes } from "../parts/format";
import { changed, termsOf, withTerm, type Term } from "../query/query";
import { go, place } from "../state/place.svelte";
import { mostTerms, status } from "../state/status.svelte";
import { tell } from "./known.svelte";
import { notify } from "./notices.svelte";

export interface Sending {
  readonly name: string;
  readonly modality: Modality | undefined;
  /** The index of the box that it is for. */
  readonly box: number;
  readonly file: File;
  /** The share that has arrived, 0 to 1. */
  share: number;
  stop: () => void;
}

const sendings = $state<Sending[]>([]);

/** The files that are being sent to a box. */
export const sendingTo = (box: number): Sending[] => sendings.filter((one) => one.box === box);

/**
 * Send files at the same time, and add them to a box of the query in their order as they arrive. One step of the history
 * for all of them. Files beyond the most terms of a query are not sent, and that is said.
 */
export function send(files: Iterable<File>, box: number): void {
  const step = oneStep();
  const all = [...files];
  const room = Math.max(0, mostTerms() - termsOf(place.query).length - sendings.length);
  if (all.length > room) notify(t("query.full", { count: mostTerms() }));
  let before = Promise.resolve();
  for (const file of all.slice(0, room)) {
    const arrived = (id: string): void =>
      go({ view: "search", open: "", query: withTerm(place.query, { source: { kind: "upload", value: id }, weight: 1 }, box) }, step());
    before = sendOne(file, box, arrived, before);
  }
}

/** Send the file of a term whose upload has expired. */
export function sendAgain(file: File, term: Term): void {
  void sendOne(file, 0, (id) => {
    if (!termsOf(place.query).includes(term)) return;
    go({ query: changed(place.query, term, { source: { kind: "upload", value: id } }) }, "replace");
  });
}

/** Send a file; it has `arrived` once the file `before` it has arrived or failed. */
async function sendOne(file: File, box: number, arrived: (id: string) => void, before = Promise.resolve()): Promise<void> {
  const most = status.now?.limits.body ?? Infinity;
  if (file.size > most) {
    notify(t("upload.large", { name: file.name, limit: bytes(most), size: bytes(file.size) }));
    return;
  }
  if (!file.size) {
    notify(t("upload.empty", { name: file.name }));
    return;
  }
  const stopping = new AbortController();
  sendings.push({ name: file.name, modality: modalityOf(file), box, file, share: 0, stop: () => stopping.abort() });
  const sending = sendings.at(-1)!;
  try {
    const found = await upload(file, (share) => (sending.share = share), stopping.signal);
    await before;
    if (stopping.signal.aborted) return;
    tell({ kind: "upload", value: found.id }, { label: found.name, modality: found.modality, mime: found.mime, file, gone: false });
    arrived(found.id);
  } catch (error) {
    if (stopping.signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    const again = error.passes ? () => void sendOne(file, box, arrived) : undefined; // what is refused once is refused again
    notify(t("upload.failed", { name: file.name, reason: reasonOf(error) }), again);
  } finally {
    sendings.splice(sendings.indexOf(sending), 1);
  }
}

function reasonOf(problem: Problem): string {
  if (problem.status === 413) return t("upload.too-large");
  return problem.message || t("problem.unreachable");
}

/** The first call makes a step of the history, and the others change it. */
function oneStep(): () => "push" | "replace" {
  let first = true;
  return () => {
    const step = first ? "push" : "replace";
    first = false;
    return step;
  };
}

/** A guess until the server has looked at the file. */
function modalityOf({ type }: File): Modality | undefined {
  const kind = type.split("/")[0];
  return kind === "image" || kind === "audio" || kind === "video" || kind === "text" ? kind : undefined;
}
