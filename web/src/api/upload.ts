// Sends a file for queries. fetch() tells nothing of how much has arrived, XMLHttpRequest does.

import { Problem } from "./problem";
import type { Upload } from "./types";

/**
 * Upload a file.
 * @param progress is told the share that was sent.
 * @throws Problem if the server refuses it or cannot be reached; an AbortError if `signal` stops it.
 */
export function upload(file: File, progress: (share: number) => void, signal: AbortSignal): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    request.onload = () => {
      if (request.status === 201) resolve(request.response as Upload);
      else reject(new Problem({ ...request.response, status: request.status }));
    };
    request.onerror = () => reject(new Problem({ code: "unreachable" }));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    const body = new FormData();
    body.append("file", file, file.name || "file");
    request.open("POST", "v1/uploads");
    request.send(body);
  });
}
