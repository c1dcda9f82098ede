// What is known of the open item: its facts, why it matches the query, where it does, and whether its file is still there.

import { askItem } from "../api/item";
import { Problem } from "../api/problem";
import { answered, server } from "../api/server";
import type { Hit, Item, Located } from "../api/types";
import { isEmpty, type Query } from "../query/query";
import { expressionOf, searchOf } from "../query/request";
import { results } from "../state/results.svelte";

const PLACES = 8;

export class Detail {
  readonly id: string;
  item = $state.raw<Item | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** The item as a hit of the query, explained once the server answered; null without a query. */
  hit = $state.raw<Hit | null>(null);
  /** Why the file cannot be sent; null if it can. */
  lost = $state.raw<Problem | null>(null);
  located = $state.raw<Located | null>(null);
  /** How the search for places goes. */
  locating = $state.raw<"no" | "yes" | Problem>("no");
  readonly #query: Query;
  readonly #gone = new AbortController();

  constructor(id: string, query: Query) {
    [this.id, this.#query] = [id, query];
    this.hit = results.now.hits.find((hit) => hit.id === id) ?? null;
  }

  /** Ask for the item; what else is known of it follows later. */
  async load(): Promise<void> {
    const { signal } = this.#gone;
    try {
      this.problem = null;
      this.item = await askItem(this.id, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
      return;
    }
    void this.#explain(this.item);
    void this.#look();
  }

  /** Whether it can be asked where the query matches in the item. */
  get canLocate(): boolean {
    return !isEmpty(this.#query) && this.item !== null && this.item.modality !== "point_cloud";
  }

  /** Ask where in the item the query matches. */
  async locate(): Promise<void> {
    const { signal } = this.#gone;
    this.locating = "yes";
    try {
      const body = { query: expressionOf(this.#query), item_id: this.id, limit: PLACES, min_relevance: 0 };
      this.located = await answered(server.POST("/v1/locate", { body, signal }));
      this.locating = "no";
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.locating = error;
    }
  }

  /** Give up what is not answered yet. */
  close(): void {
    this.#gone.abort();
  }

  get isClosed(): boolean {
    return this.#gone.signal.aborted;
  }

  /** Search within this item alone, which explains it; a condition has no form for an id, so it is the one with its path. */
  async #explain(item: Item): Promise<void> {
    if (isEmpty(this.#query)) return;
    const query = { ...this.#query, modalities: [item.modality], where: [`path:${item.path}`], sort: "relevance", group: "" } as const;
    const body = { ...searchOf(query, 5), explain: true, include_self: true };
    const found = await this.#quietly(server.POST("/v1/search", { body, signal: this.#gone.signal }));
    const hit = found?.hits.find(({ id, duplicates }) => id === this.id || duplicates.includes(this.id));
    if (hit?.id === this.id) this.hit = { ...hit, duplicates: this.hit?.duplicates ?? hit.duplicates };
  }

  async #look(): Promise<void> {
    const asked = { params: { path: { item_id: this.id } }, headers: { Range: "bytes=0-0" }, parseAs: "stream", signal: this.#gone.signal } as const;
    try {
      await answered(server.GET("/v1/items/{item_id}/content", asked));
    } catch (error) {
      if (error instanceof Problem && error.status === 404) this.lost = error;
    }
  }

  async #quietly<T>(request: Parameters<typeof answered<T>>[0]): Promise<T | null> {
    try {
      return await answered(request);
    } catch {
      return null; // it is shown without this
    }
  }
}
