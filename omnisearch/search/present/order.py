"""The order of hits: by relevance, date or name, and by day.

Dates and names order only the items whose relevance reaches the cut. It is `min_relevance`, or else the threshold of
"nothing matches", which the best of all items would reach by chance. So no item is a hit because it is new.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias, get_args

from omnisearch.errors import QueryError
from omnisearch.query.dates import local_day
from omnisearch.query.query import Group, Query, Sort
from omnisearch.search.rank.calibration import least
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import Payload
from omnisearch.wording import did_you_mean

# The day, counted back, or 0 without days; the date, counted back, or the name; the log-odds, negated; the id.
SortKey: TypeAlias = tuple[int, float | str, float, str]


def check_order(query: Query) -> None:
    """Check that the sort and the group of a query exist.

    Raises:
        QueryError: one of them does not.
    """
    for option, given, known in (("sort", query.sort, get_args(Sort)), ("group", query.group, get_args(Group))):
        if given not in known:
            names = ", ".join(filter(None, known))
            raise QueryError(f"there is no {option} {given!r}{did_you_mean(given, known)}; there are {names}")


def cut_relevance(query: Query, searched: int) -> float:
    """Return the relevance below which items are expected by chance among `searched` segments."""
    return query.min_relevance or least(searched)


def needs_payloads(query: Query) -> bool:
    """Return whether the order of the hits of a query depends on their payloads."""
    return query.sort != "relevance" or query.group == "day"


def sort_key(query: Query, entry: RankedItem, payloads: Mapping[str, Payload]) -> SortKey:
    """Return the sort key of an item among the hits of a query: ties by relevance, then by id.

    `payloads` are those of the best segments of the items, by point id; read only if the order `needs_payloads`.
    """
    item_id = entry.point.place.item_id
    if not needs_payloads(query):
        return 0, 0.0, -entry.odds, item_id
    payload = payloads[entry.point.id]
    day = -_day(payload).toordinal() if query.group == "day" else 0
    return day, _COMPARED[query.sort](payload), -entry.odds, item_id


def group_of(query: Query, payload: Payload) -> str:
    """Return the name of the group of an item among the hits of a query; "" without groups."""
    if query.group == "day":
        return _day(payload).isoformat()
    return payload.modality if query.group else ""


def _day(payload: Payload) -> date:
    """Return the day on which an item was taken, by the clock of that place, or else was last changed."""
    if payload.metadata.time:
        return datetime.fromisoformat(payload.metadata.time).date()
    return local_day(payload.mtime) or date.min


_COMPARED: Mapping[Sort, Callable[[Payload], float | str]] = {
    "relevance": lambda _: 0.0,
    "taken": lambda payload: -payload.date,
    "modified": lambda payload: -payload.mtime,
    "name": lambda payload: Path(payload.path).name.casefold(),
}
