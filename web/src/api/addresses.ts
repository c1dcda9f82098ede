// Addresses of what an item's file is and shows.

const item = (id: string): string => `v1/items/${encodeURIComponent(id)}`;

/** The file itself; `at` is a second at which a player starts. */
export const contentOf = (id: string, at?: number): string => `${item(id)}/content${at === undefined ? "" : `#t=${at}`}`;
export const previewOf = (id: string, size: "small" | "large" = "small"): string => `${item(id)}/preview?size=${size}`;
/** The preview of a term's file. */
export const pictureOf = (source: Filed, size: "small" | "large" = "small"): string => `${fileOf(source)}/preview?size=${size}`;
/** A film at a second. */
export const frameOf = (id: string, at: number): string => `${item(id)}/frame?at=${Math.round(1000 * at) / 1000}`;
/** A page of a PDF, counted from 1. */
export const pageOf = (id: string, number: number): string => `${item(id)}/page?number=${number}`;
export const modelOf = (id: string): string => `${item(id)}/model.glb`;

interface Filed {
  kind: "item" | "upload";
  value: string;
}

const fileOf = ({ kind, value }: Filed): string => `v1/${kind}s/${encodeURIComponent(value)}`;
