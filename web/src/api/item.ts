import { answered, server } from "./server";
import type { Item } from "./types";

/**
 * An item with its segments and readings.
 * @throws Problem as `answered` does; 404 if there is none.
 */
export const askItem = (id: string, signal?: AbortSignal): Promise<Item> =>
  answered(server.GET("/v1/items/{item_id}", { params: { path: { item_id: id } }, signal }));
