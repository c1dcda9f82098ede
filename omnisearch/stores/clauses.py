"""Filters compiled for engines: clauses that must hold, clauses that must not, and conditions to check afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from omnisearch.query.conditions import Condition, RangeCondition
from omnisearch.query.positions import NearCondition
from omnisearch.stores.base import Filter, Lookup, Payload, Scored
from omnisearch.stores.keyword_index import narrowed, same_name

# Factor by which a limit is raised if some of the points may be excluded after the lookup.
WIDER = 8

INDEXED: Mapping[str, Literal["keyword", "float"]] = {
    "item_id": "keyword",
    "modality": "keyword",
    "about": "keyword",
    # An index of integers would cut the fractions off the bounds.
    "size": "float",
    "mtime": "float",
    "duration": "float",
    "segment": "float",
    "date": "float",
    "taken": "float",
    "added": "float",
    "latitude": "float",
    "longitude": "float",
    "year": "float",
    "rating": "float",
}


@dataclass(frozen=True)
class Clause:
    """`key` has one of the values `any`, or lies in `range` (gt, gte, lt, lte)."""

    key: str
    any: tuple[str, ...] = ()
    range: tuple[float | None, float | None, float | None, float | None] | None = None


@dataclass(frozen=True)
class Clauses:
    """`rest` are the conditions that the clauses only approximate. `ids` are the ids of points; empty selects all."""

    must: tuple[Clause, ...]
    must_not: tuple[Clause, ...]
    rest: tuple[Condition, ...] = ()
    ids: tuple[str, ...] = ()

    def keeps(self, payload: Payload) -> bool:
        """Return whether a point that the engine found passes the whole filter."""
        return all(condition.holds(payload) for condition in self.rest)

    def plain(self) -> dict[str, Any]:
        """Return the clauses as JSON, without `rest`, which engines do not evaluate."""
        named = {
            name: [{"key": clause.key, "any": clause.any, "range": clause.range} for clause in clauses]
            for name, clauses in (("must", self.must), ("must_not", self.must_not))
        }
        return {**named, "ids": self.ids}


def clauses(chosen: Filter) -> Clauses:
    """Compile a filter."""
    must = [Clause(key, tuple(values)) for key, values in _named(chosen) if values]
    if chosen.among is not None:
        must.append(Clause("item_id", chosen.among))
    if chosen.segments is not None:
        must.append(Clause("segment", range=(None, float(chosen.segments.start), float(chosen.segments.stop), None)))
    must_not = [Clause("item_id", chosen.exclude_item_ids)] if chosen.exclude_item_ids else []
    rest: list[Condition] = []
    for condition in chosen.where:
        if isinstance(condition, RangeCondition):
            found, exact = [Clause(condition.field, range=_bounds(condition))], True
        elif isinstance(condition, NearCondition):
            sides = zip(("latitude", "longitude"), condition.box(), strict=True)
            found, exact = [Clause(key, range=(None, low, None, high)) for key, (low, high) in sides], False
        else:
            words, exact = narrowed(condition)
            exact &= not condition.negated or len(words) == 1  # must_not excludes items with any of its clauses
            found = [Clause("about", (word,)) for word in words]
        if not exact:
            rest.append(condition)
        if not condition.negated:
            must += found
        elif exact:
            must_not += found
    return Clauses(tuple(must), tuple(must_not), tuple(rest), chosen.ids)


def search_exactly(
    lookups: Sequence[Lookup],
    ask: Callable[[Sequence[Lookup], Sequence[Clauses]], list[list[Scored]]],
    payloads: Callable[[Sequence[str]], Mapping[str, Payload]],
) -> list[list[Scored]]:
    """Answer lookups by an engine that evaluates only clauses: raise the limits until enough points pass the filter.

    `ask` gets lookups with the clauses of their filters, and `payloads` the ids of points.
    """
    compiled = [clauses(lookup.filter) for lookup in lookups]
    limits = [lookup.limit * (WIDER if rest.rest else 1) for lookup, rest in zip(lookups, compiled, strict=True)]
    answers: list[list[Scored]] = [[] for _ in lookups]
    open_ = list(range(len(lookups)))
    while open_:
        asked = [lookups[n] if lookups[n].limit == limits[n] else replace(lookups[n], limit=limits[n]) for n in open_]
        pages = ask(asked, [compiled[n] for n in open_])
        # Only a filter that the engine evaluates in part needs payloads.
        unsure = [point.id for n, page in zip(open_, pages, strict=True) if compiled[n].rest for point in page]
        known = payloads(unsure) if unsure else {}
        unanswered = []
        for n, page in zip(open_, pages, strict=True):
            kept = page
            if compiled[n].rest:
                kept = [point for point in page if point.id in known and compiled[n].keeps(known[point.id])]
            answers[n] = kept[: lookups[n].limit]
            if len(answers[n]) < lookups[n].limit and len(page) == limits[n]:
                limits[n] *= WIDER
                unanswered.append(n)
        open_ = unanswered
    return answers


def _named(chosen: Filter) -> list[tuple[str, Sequence[str]]]:
    names = [f"name:{same_name(name)}" for name in chosen.names]
    return [("modality", chosen.modalities), ("item_id", chosen.item_ids), ("about", names)]


def _bounds(condition: RangeCondition) -> tuple[float | None, float | None, float | None, float | None]:
    gt, gte, lt, lte = condition.gt, condition.gte, condition.lt, condition.lte
    if gt is not None and gte is not None:  # engines evaluate one bound of each side
        gt, gte = (gt, None) if gt >= gte else (None, gte)
    if lt is not None and lte is not None:
        lt, lte = (lt, None) if lt <= lte else (None, lte)
    return gt, gte, lt, lte
