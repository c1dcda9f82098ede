"""The result page: fold near-duplicates, apply the cut, groups or quotas, and continue after the cursor.

items by modality -> near-duplicates folded -> those in the cut -> groups, or one list within quotas -> the page
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from omnisearch.errors import QueryError
from omnisearch.query.query import Query
from omnisearch.search.plan.query_plan import QueryPlan
from omnisearch.search.present.cursor import PagePosition
from omnisearch.search.present.near_duplicates import DedupedItem, fold_near_duplicates
from omnisearch.search.present.order import SortKey, check_order, needs_payloads, sort_key
from omnisearch.search.rank.calibration import relevance
from omnisearch.search.rank.candidates import run_searches
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import VectorStore
from omnisearch.types import Modality

# A store's cosines and ours differ by rounding: log-odds that are nearer to each other are a tie.
TIE = 1e-3

ByModality: TypeAlias = Mapping[Modality, Sequence[DedupedItem]]
SortKeyOf: TypeAlias = Callable[[DedupedItem], SortKey]


@dataclass(frozen=True, eq=False)
class ResultPage:
    """The items of a page, and its end, or None if no hits follow. `best` is the highest relevance on any page.

    `matching` counts the items of each modality that are not expected by chance, among those that were fetched.
    """

    items: Sequence[DedupedItem]
    best: float
    end: PagePosition | None = None
    matching: Mapping[Modality, int] = field(default_factory=dict)


def check_page(query: Query) -> None:
    """Check that the options of a page exist and do not contradict each other.

    Raises:
        QueryError: they do.
    """
    check_order(query)
    least = sum(quota.least for quota in query.quotas)
    if least > query.limit:
        raise QueryError(f"the quotas ask for at least {least} hits, over the limit of {query.limit}: raise it")
    if least and query.has_cut:
        raise QueryError("quotas with a least number add less relevant hits: leave them out, or sort by relevance")
    if query.cursor and (query.group == "modality" or least):
        raise QueryError(
            "groups by modality, and quotas with a least number, have no next page: raise the limit instead"
        )


def make_page(store: VectorStore, plan: QueryPlan, found: Sequence[Sequence[RankedItem]]) -> ResultPage:
    """Make the page of a query from the best items of each modality. Fetches more items if the page needs them."""
    query, depth = plan.query, plan.depth
    while True:
        groups: dict[Modality, Sequence[DedupedItem]] = {}
        floor, least = -math.inf, plan.least  # below these log-odds, items may be missing
        for modality, ranked in zip(plan.scorers, found, strict=True):
            more = len(ranked) >= depth and depth < plan.most
            items, known = _known(store, ranked, query.fold, more)
            most = next((quota.most for quota in query.quotas if quota.modality is modality), None)
            groups[modality] = items[:most][: _count(items, least)]
            if most is None or len(items) < most:
                floor = max(floor, known)
        is_whole = floor == -math.inf or relevance(floor) < least
        left, key = _with_keys(store, query, groups)
        page = (_in_groups if query.group == "modality" else _in_one_list)(plan, left, key, floor, is_whole)
        if page is not None:
            cut = plan.cut
            return replace(page, matching={m: _count(items, cut) for m, items in left.items()})
        depth = min(2 * depth, plan.most)
        found = run_searches(store, plan.searches(depth))


def _known(
    store: VectorStore, ranked: Sequence[RankedItem], folds: bool, more: bool
) -> tuple[list[DedupedItem], float]:
    """Return the items of a modality whose near-duplicates and order are known, and the log-odds above which they are.

    If `more` items follow, one of them may be as relevant as the last item here, and precede it by its id.
    """
    items, last = (
        fold_near_duplicates(store, ranked, more)
        if folds
        else ([DedupedItem(entry) for entry in ranked], ranked[-1] if more else None)
    )
    if last is None:
        return items, -math.inf
    odds = last.odds + TIE
    return [one for one in items if one.entry.odds > odds], odds


def _with_keys(store: VectorStore, query: Query, groups: ByModality) -> tuple[ByModality, SortKeyOf]:
    """Return the items that were not deleted meanwhile, and the function that returns the sort key of each."""
    if not needs_payloads(query):
        return groups, lambda one: sort_key(query, one.entry, {})
    payloads = store.payloads([one.entry.point.id for items in groups.values() for one in items])
    left = {m: [one for one in items if one.entry.point.id in payloads] for m, items in groups.items()}
    return left, lambda one: sort_key(query, one.entry, payloads)


def _in_groups(plan: QueryPlan, groups: ByModality, key: SortKeyOf, _floor: float, is_whole: bool) -> ResultPage | None:
    """Return the first hits of each modality, one modality after the other; None if more items are needed."""
    limit = plan.query.limit
    if not is_whole and (plan.query.has_cut or any(len(group) < limit for group in groups.values())):
        return None
    shown = [one for group in groups.values() for one in sorted(group, key=key)[:limit]]
    return ResultPage(shown, _best(shown))


def _in_one_list(
    plan: QueryPlan, groups: ByModality, key: SortKeyOf, floor: float, is_whole: bool
) -> ResultPage | None:
    """Return a page of one list; None if more items are needed."""
    query = plan.query
    known = [one for group in groups.values() for one in group if one.entry.odds > floor]
    ordered = sorted(known, key=key)
    following = _following(ordered, key, plan.after)
    if not is_whole and (query.has_cut or len(following) <= query.limit):
        return None
    items, best = following[: query.limit], _best(ordered)
    if any(quota.least for quota in query.quotas):
        return ResultPage(sorted(_with_least(query, items, groups), key=key), best)
    if len(following) == len(items):
        return ResultPage(items, best)
    return ResultPage(items, best, PagePosition(key(items[-1]), ordered.index(items[-1]) + 1))


def _count(items: Sequence[DedupedItem], least: float) -> int:
    """Return how many of the items of one modality, the most relevant first, have at least a relevance."""
    return bisect_right(items, -least, key=lambda one: -relevance(one.entry.odds))


def _best(items: Sequence[DedupedItem]) -> float:
    return relevance(max(one.entry.odds for one in items)) if items else 0.0


def _following(ordered: Sequence[DedupedItem], key: SortKeyOf, after: PagePosition | None) -> Sequence[DedupedItem]:
    """Return the items after the last hit of the previous page, or after its sort key if that hit is gone."""
    if after is None:
        return ordered
    at = next((n for n, one in enumerate(ordered) if one.id == after.id), None)
    return ordered[at + 1 :] if at is not None else [one for one in ordered if key(one) > after.key]


def _with_least(query: Query, items: Sequence[DedupedItem], groups: ByModality) -> list[DedupedItem]:
    """Fill the least quotas: add the best items of those modalities, and drop the least relevant other items."""
    promised = {one.id: one for q in query.quotas for one in groups.get(q.modality, ())[: q.least]}
    others = [one for one in items if one.id not in promised][: query.limit - len(promised)]
    return [*promised.values(), *others]
