"""The page: ranked items of every modality become the hits that were asked for.

items by modality -> near-duplicates folded -> lanes, or one list within quotas -> what follows the cursor
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnisearch.errors import QueryError
from omnisearch.query.expressions import Query
from omnisearch.search.plan.query_plan import Question
from omnisearch.search.present.cursor import MAX_DEPTH, Place
from omnisearch.search.present.near_duplicates import Folded, fold, place
from omnisearch.search.rank.calibration import relevance
from omnisearch.search.rank.candidates import search_lanes
from omnisearch.search.rank.scorer import Ranked
from omnisearch.stores.base import VectorStore
from omnisearch.types import Modality

# A store's cosines and ours differ by rounding: log-odds that are nearer to each other are a tie.
TIE = 1e-3

Lanes = Mapping[Modality, Sequence[Folded]]


@dataclass(frozen=True, eq=False)
class Page:
    """The items of a page, and where it ended; None where nothing follows."""

    items: Sequence[Folded]
    end: Place | None = None


def check_page(query: Query) -> None:
    """Refuse what cannot be had together.

    Raises:
        QueryError: says what, and the way out.
    """
    least = sum(quota.least for quota in query.quotas)
    if least > query.limit:
        raise QueryError(f"the quotas ask for at least {least} hits, over the limit of {query.limit}: raise it")
    if query.cursor and (query.lanes or least):
        raise QueryError("lanes, and quotas with a least number, have no next page: raise the limit instead")


def make_page(store: VectorStore, question: Question, found: Sequence[Sequence[Ranked]]) -> Page:
    """Make the page of a question, from the best items of each of its lanes; more are asked for where it takes more."""
    query, depth = question.query, question.depth
    while True:
        lanes: dict[Modality, Sequence[Folded]] = {}
        floor = -math.inf  # below it, more could come
        for modality, lane in zip(question.judges, found, strict=True):
            more = len(lane) >= depth and depth < MAX_DEPTH
            items, known = _known(store, sorted(lane, key=place), query.fold, more)
            most = next((quota.most for quota in query.quotas if quota.modality is modality), None)
            lanes[modality] = items[:most]
            if most is None or len(items) < most:
                floor = max(floor, known)
        page = _in_lanes(query, lanes, floor) if query.lanes else _in_one(question, lanes, floor)
        if page is not None:
            return page
        depth = min(2 * depth, MAX_DEPTH)
        found = search_lanes(store, question.lanes(depth))


def above(page: Page, least: float) -> Page:
    """Leave out items that are less relevant; where one is, all that would follow are."""
    items = [one for one in page.items if relevance(-one.key[0]) >= least]
    return page if len(items) == len(page.items) else Page(items)


def _known(store: VectorStore, lane: Sequence[Ranked], folds: bool, more: bool) -> tuple[list[Folded], float]:
    """The items of a lane of which all is known, and the odds above which they are.

    Where more follows, one that is as relevant as the last may be among it, and come first by its id.
    """
    items, last = fold(store, lane, more) if folds else ([Folded(entry) for entry in lane], lane[-1] if more else None)
    if last is None:
        return items, -math.inf
    odds = last.odds + TIE
    return [one for one in items if -one.key[0] > odds], odds


def _in_lanes(query: Query, lanes: Lanes, floor: float) -> Page | None:
    """The best of each modality, one modality after the other; None where more items are needed."""
    if floor > -math.inf and any(len(lane) < query.limit for lane in lanes.values()):
        return None
    return Page([one for lane in lanes.values() for one in lane[: query.limit]])


def _in_one(question: Question, lanes: Lanes, floor: float) -> Page | None:
    """One list by relevance, as far as nothing that is still to come belongs in between."""
    query = question.query
    every = sorted((one for lane in lanes.values() for one in lane), key=lambda one: one.key)
    ordered = [one for one in every if -one.key[0] > floor]
    following = _following(ordered, question.after)
    if floor > -math.inf and len(following) <= query.limit:
        return None
    items = following[: query.limit]
    if any(quota.least for quota in query.quotas):
        return Page(_with_least(query, items, lanes))
    if len(following) == len(items):
        return Page(items)
    odds, id_ = items[-1].key
    return Page(items, Place(-odds, id_, ordered.index(items[-1]) + 1))


def _following(ordered: Sequence[Folded], after: Place | None) -> Sequence[Folded]:
    """What comes after the last hit of the page before; where that is gone, after where it stood."""
    if after is None:
        return ordered
    at = next((n for n, one in enumerate(ordered) if one.key[1] == after.id), None)
    return ordered[at + 1 :] if at is not None else [one for one in ordered if one.key > after.key]


def _with_least(query: Query, items: Sequence[Folded], lanes: Lanes) -> list[Folded]:
    """Let the best of modalities that lack some take the places of the least relevant that no quota protects."""
    promised = {one.key: one for q in query.quotas for one in lanes.get(q.modality, ())[: q.least]}
    others = [one for one in items if one.key not in promised][: query.limit - len(promised)]
    return sorted([*promised.values(), *others], key=lambda one: one.key)
