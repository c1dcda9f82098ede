"""The result page: fold near-duplicates, apply lanes or quotas, and continue after the cursor.

items by modality -> near-duplicates folded -> lanes, or one list within quotas -> what follows the cursor
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnisearch.errors import QueryError
from omnisearch.query.query import Query
from omnisearch.search.plan.query_plan import QueryPlan
from omnisearch.search.present.cursor import MAX_DEPTH, PagePosition
from omnisearch.search.present.near_duplicates import DedupedItem, fold_near_duplicates, sort_key
from omnisearch.search.rank.calibration import relevance
from omnisearch.search.rank.candidates import run_searches
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import VectorStore
from omnisearch.types import Modality

# A store's cosines and ours differ by rounding: log-odds that are nearer to each other are a tie.
TIE = 1e-3

Lanes = Mapping[Modality, Sequence[DedupedItem]]


@dataclass(frozen=True, eq=False)
class ResultPage:
    """The items of a page, and its end; None if no hits follow."""

    items: Sequence[DedupedItem]
    end: PagePosition | None = None


def check_page(query: Query) -> None:
    """Check that the options of a page do not contradict each other.

    Raises:
        QueryError: they do.
    """
    least = sum(quota.least for quota in query.quotas)
    if least > query.limit:
        raise QueryError(f"the quotas ask for at least {least} hits, over the limit of {query.limit}: raise it")
    if query.cursor and (query.lanes or least):
        raise QueryError("lanes, and quotas with a least number, have no next page: raise the limit instead")


def make_page(store: VectorStore, plan: QueryPlan, found: Sequence[Sequence[RankedItem]]) -> ResultPage:
    """Make the page of a query from the best items of each modality. Fetches more items if the page needs them."""
    query, depth = plan.query, plan.depth
    while True:
        lanes: dict[Modality, Sequence[DedupedItem]] = {}
        floor = -math.inf  # below these log-odds, items may be missing
        for modality, ranked in zip(plan.scorers, found, strict=True):
            more = len(ranked) >= depth and depth < MAX_DEPTH
            items, known = _known(store, sorted(ranked, key=sort_key), query.fold, more)
            most = next((quota.most for quota in query.quotas if quota.modality is modality), None)
            lanes[modality] = items[:most]
            if most is None or len(items) < most:
                floor = max(floor, known)
        page = _in_lanes(query, lanes, floor) if query.lanes else _in_one(plan, lanes, floor)
        if page is not None:
            return page
        depth = min(2 * depth, MAX_DEPTH)
        found = run_searches(store, plan.searches(depth))


def above(page: ResultPage, least: float) -> ResultPage:
    """Leave out items whose relevance is below `least`. If there are any, the page is the last one."""
    items = [one for one in page.items if relevance(-one.key[0]) >= least]
    return page if len(items) == len(page.items) else ResultPage(items)


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
    return [one for one in items if -one.key[0] > odds], odds


def _in_lanes(query: Query, lanes: Lanes, floor: float) -> ResultPage | None:
    """Return the best of each modality, one modality after the other; None if more items are needed."""
    if floor > -math.inf and any(len(lane) < query.limit for lane in lanes.values()):
        return None
    return ResultPage([one for lane in lanes.values() for one in lane[: query.limit]])


def _in_one(plan: QueryPlan, lanes: Lanes, floor: float) -> ResultPage | None:
    """Return a page of one list by relevance; None if more items are needed."""
    query = plan.query
    every = sorted((one for lane in lanes.values() for one in lane), key=lambda one: one.key)
    ordered = [one for one in every if -one.key[0] > floor]
    following = _following(ordered, plan.after)
    if floor > -math.inf and len(following) <= query.limit:
        return None
    items = following[: query.limit]
    if any(quota.least for quota in query.quotas):
        return ResultPage(_with_least(query, items, lanes))
    if len(following) == len(items):
        return ResultPage(items)
    odds, id_ = items[-1].key
    return ResultPage(items, PagePosition(-odds, id_, ordered.index(items[-1]) + 1))


def _following(ordered: Sequence[DedupedItem], after: PagePosition | None) -> Sequence[DedupedItem]:
    """Return the items after the last hit of the previous page, or after its sort key if that hit is gone."""
    if after is None:
        return ordered
    at = next((n for n, one in enumerate(ordered) if one.key[1] == after.id), None)
    return ordered[at + 1 :] if at is not None else [one for one in ordered if one.key > after.key]


def _with_least(query: Query, items: Sequence[DedupedItem], lanes: Lanes) -> list[DedupedItem]:
    """Fill the least quotas: add the best items of those modalities, and drop the least relevant other items."""
    promised = {one.key: one for q in query.quotas for one in lanes.get(q.modality, ())[: q.least]}
    others = [one for one in items if one.key not in promised][: query.limit - len(promised)]
    return sorted([*promised.values(), *others], key=lambda one: one.key)
