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
    """The items of a page, and where it ended; None where nothing follows."""

    items: Sequence[DedupedItem]
    end: PagePosition | None = None


def check_page(query: Query) -> None:
    """Refuse options that contradict each other.

    Raises:
        QueryError: says what, and the way out.
    """
    least = sum(quota.least for quota in query.quotas)
    if least > query.limit:
        raise QueryError(f"the quotas ask for at least {least} hits, over the limit of {query.limit}: raise it")
    if query.cursor and (query.lanes or least):
        raise QueryError("lanes, and quotas with a least number, have no next page: raise the limit instead")


def make_page(store: VectorStore, question: QueryPlan, found: Sequence[Sequence[RankedItem]]) -> ResultPage:
    """Make the page of a question, from the best items of each of its lanes; more are asked for where it takes more."""
    query, depth = question.query, question.depth
    while True:
        lanes: dict[Modality, Sequence[DedupedItem]] = {}
        floor = -math.inf  # below it, more could come
        for modality, lane in zip(question.scorers, found, strict=True):
            more = len(lane) >= depth and depth < MAX_DEPTH
            items, known = _known(store, sorted(lane, key=sort_key), query.fold, more)
            most = next((quota.most for quota in query.quotas if quota.modality is modality), None)
            lanes[modality] = items[:most]
            if most is None or len(items) < most:
                floor = max(floor, known)
        page = _in_lanes(query, lanes, floor) if query.lanes else _in_one(question, lanes, floor)
        if page is not None:
            return page
        depth = min(2 * depth, MAX_DEPTH)
        found = run_searches(store, question.searches(depth))


def above(page: ResultPage, least: float) -> ResultPage:
    """Leave out items below `least`. All items after the first of them are below it too."""
    items = [one for one in page.items if relevance(-one.key[0]) >= least]
    return page if len(items) == len(page.items) else ResultPage(items)


def _known(store: VectorStore, lane: Sequence[RankedItem], folds: bool, more: bool) -> tuple[list[DedupedItem], float]:
    """The items of a lane of which all is known, and the odds above which they are.

    Where more follows, one that is as relevant as the last may be among it, and come first by its id.
    """
    items, last = (
        fold_near_duplicates(store, lane, more)
        if folds
        else ([DedupedItem(entry) for entry in lane], lane[-1] if more else None)
    )
    if last is None:
        return items, -math.inf
    odds = last.odds + TIE
    return [one for one in items if -one.key[0] > odds], odds


def _in_lanes(query: Query, lanes: Lanes, floor: float) -> ResultPage | None:
    """The best of each modality, one modality after the other; None where more items are needed."""
    if floor > -math.inf and any(len(lane) < query.limit for lane in lanes.values()):
        return None
    return ResultPage([one for lane in lanes.values() for one in lane[: query.limit]])


def _in_one(question: QueryPlan, lanes: Lanes, floor: float) -> ResultPage | None:
    """One list by relevance, as far as nothing that is still to come belongs in between."""
    query = question.query
    every = sorted((one for lane in lanes.values() for one in lane), key=lambda one: one.key)
    ordered = [one for one in every if -one.key[0] > floor]
    following = _following(ordered, question.after)
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
    """What comes after the last hit of the page before; where that is gone, after where it stood."""
    if after is None:
        return ordered
    at = next((n for n, one in enumerate(ordered) if one.key[1] == after.id), None)
    return ordered[at + 1 :] if at is not None else [one for one in ordered if one.key > after.key]


def _with_least(query: Query, items: Sequence[DedupedItem], lanes: Lanes) -> list[DedupedItem]:
    """Let the best of modalities that lack some take the places of the least relevant that no quota protects."""
    promised = {one.key: one for q in query.quotas for one in lanes.get(q.modality, ())[: q.least]}
    others = [one for one in items if one.key not in promised][: query.limit - len(promised)]
    return sorted([*promised.values(), *others], key=lambda one: one.key)
