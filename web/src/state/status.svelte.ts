// What the server says of itself once: its collection, model and limits.

import { Problem } from "../api/problem";
import { answered, server } from "../api/server";
import type { Status } from "../api/types";

const RETRY_MS = 2000;

let known = $state.raw<Status | null>(null);
let trouble = $state.raw<Problem | null>(null);

/** The state of the server; null until it answered. */
export const status = {
  get now(): Status | null {
    return known;
  },
  get problem(): Problem | null {
    return trouble;
  },
};

/** How many terms the server lets a query have. */
export const mostTerms = (): number => known?.limits.terms ?? Infinity;

/** Ask the server for its state, until it answers or wants a key. */
export async function askStatus(): Promise<void> {
  try {
    known = await answered(server.GET("/v1/status"));
    trouble = null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    trouble = error;
    if (error.passes) setTimeout(askStatus, Math.max(RETRY_MS, 1000 * error.retryAfter));
  }
}
