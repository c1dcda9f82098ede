// The list of hits in sections: what matches and the rest, kinds, or days.

import type { Hit } from "../api/types";
import type { Group } from "../query/query";

/** Hits under a heading. `name` is "matching" or "rest", a kind, or a day such as 2023-07-14. */
interface Section {
  readonly name: string;
  readonly hits: readonly Hit[];
}

/** Divide hits into sections, in their order. Hits that are less relevant than `cut` are the rest of one list. */
export function sectionsOf(hits: readonly Hit[], group: Group, cut: number): Section[] {
  const named = new Map<string, Hit[]>();
  for (const hit of hits) {
    const name = group ? (hit.group ?? "") : hit.relevance >= cut ? "matching" : "rest";
    const section = named.get(name);
    if (section) section.push(hit);
    else named.set(name, [hit]);
  }
  return [...named].map(([name, found]) => ({ name, hits: found }));
}
