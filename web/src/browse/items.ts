// Items without a question: lists of the collection in an order.

import { answered, server } from "../api/server";
import type { ItemEntry, Modality } from "../api/types";
import { writeArea } from "../query/address";
import type { Corner } from "../query/query";

interface Selection {
  order: "sample" | "-added" | "-taken";
  seed?: number;
  modalities?: readonly Modality[];
  where?: readonly string[];
  area?: readonly Corner[];
  limit: number;
  cursor?: string;
}

interface Page {
  items: ItemEntry[];
  next: string | null;
}

/** A page of items. */
export async function itemsOf({ modalities = [], where = [], area = [], ...rest }: Selection): Promise<Page> {
  const query = { ...rest, where: [...where], area: writeArea(area), ...(modalities.length ? { modalities: [...modalities] } : {}) };
  const { items, next_cursor: next } = await answered(server.GET("/v1/items", { params: { query } }));
  return { items, next };
}

/** The conditions that an item was taken on this day of an earlier year. */
export function onThisDay(now: Date): string[] {
  const [month, day] = [now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0"));
  return [`day:${month}-${day}`, `taken<${now.getFullYear()}`];
}
