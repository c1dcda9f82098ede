import type { components } from "../../types/api";

/** An error that the server reported (RFC 9457), or that it did not answer: then `status` is 0. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number;

  constructor({ title = "", detail = "", status = 0, code = "" }: Partial<components["schemas"]["Problem"]>, retryAfter = 0) {
    super(detail || title);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later: the server cannot be reached, is busy, or is not ready. */
  get passes(): boolean {
    return [0, 429, 503].includes(this.status);
  }
}
