// What limits the results besides terms, as chips that can be removed.

import { conditionName } from "../parts/conditionName";
import { t } from "../messages/messages.svelte";
import { isEmpty, withoutCondition, type Query } from "../query/query";

interface Filter {
  readonly name: string;
  /** The condition as it was typed. */
  readonly condition?: string;
  /** The query without it. */
  readonly without: Query;
}

/** The filters of a query. Its kinds are among them only without terms, since results have a choice of kinds of their own. */
export function filtersOf(query: Query): Filter[] {
  const kinds = isEmpty(query) ? query.modalities : [];
  return [
    ...kinds.map((kind) => ({ name: t(`kind.${kind}`), without: { ...query, modalities: query.modalities.filter((other) => other !== kind) } })),
    ...query.where.map((condition) => ({ name: conditionName(condition), condition, without: withoutCondition(query, condition) })),
    ...(query.area.length ? [{ name: t("query.area"), without: { ...query, area: [] } }] : []),
  ];
}
