// Why a browser gives no microphone or camera, as the key of a message.

/** The reason of an error of getUserMedia, or of its absence. */
export function refusalOf(error: unknown): "refused" | "missing" | "busy" | "insecure" {
  const name = error instanceof Error ? error.name : "";
  if (!globalThis.isSecureContext) return "insecure";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "refused";
}
