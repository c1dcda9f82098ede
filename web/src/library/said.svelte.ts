// What went wrong with the last thing that was asked of a panel.

import { Problem } from "../api/problem";
import { t } from "../messages/messages.svelte";

export const said = $state<Record<string, string>>({});

/** Wait for an act, and say in its panel why it failed. */
export async function attempt(panel: string, act: Promise<unknown>): Promise<void> {
  said[panel] = "";
  try {
    await act;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    said[panel] = error.message || t("problem.unreachable");
  }
}
