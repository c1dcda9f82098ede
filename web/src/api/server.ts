// Requests to the server. Types come from its own description of the API.

import createClient from "openapi-fetch";
import type { paths } from "../../types/api";
import { Problem } from "./problem";

export const server = createClient<paths>({ baseUrl: "." });

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The body of an answer.
 * @throws Problem if the server reports one or cannot be reached; the error of an aborted request passes through.
 */
export async function answered<T>(request: Promise<Answered<T>>): Promise<T> {
  let answer: Answered<T>;
  try {
    answer = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem({ code: "unreachable" });
  }
  const { data, error, response } = answer;
  if (!response.ok) {
    const told = error && typeof error === "object" ? error : {};
    throw new Problem({ status: response.status, ...told }, Number(response.headers.get("Retry-After")) || 0);
  }
  return data as T;
}

/**
 * Send this key with every request from now on. It is a cookie, since pictures and sounds can send no header; it goes with
 * the browser's window.
 */
export function useKey(key: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const path = new URL("./", location.href).pathname;
  document.cookie = `omnisearch_key=${key.replace(/[^\w.~+/=-]/g, "")}; Path=${path}; SameSite=Strict${secure}`;
}
