"""Filters compiled for engines: clauses that must hold, clauses that must not, and conditions to check afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from omnisearch.query.conditions import Condition, RangeCondition
from omnisearch.stores.base import Filter, Lookup, Payload, Scored
from omnisearch.stores.keyword_index import narrowed

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
}


@dataclass(frozen=True)
class Clause:
    """`key` has one of the values `any`, or lies in `range` (gt, gte, lt, lte)."""

    key: str
    any: tuple[str, ...] = ()
    range: tuple[float | None, float | None, float | None, float | None] | None = None


@dataclass(frozen=True)
class Clauses:
    """`rest` are the conditions that the clauses only approximate."""

    must: tuple[Clause, ...]
    must_not: tuple[Clause, ...]
    rest: tuple[Condition, ...] = ()

    def keeps(self, payload: Payload) -> bool:
        """Return whether a point that the engine found passes the whole filter."""
        return all(condition.holds(payload) for condition in self.rest)

    def plain(self) -> dict[str, Any]:
        """Return the clauses as JSON, without `rest`, which engines do not evaluate."""
        return {
            name: [{"key": clause.key, "any": clause.any, "range": clause.range} for clause in clauses]
            for name, clauses in (("must", self.must), ("must_not", self.must_not))
        }


def clauses(chosen: Filter) -> Clauses:
    """Compile a filter."""
    must = [Clause(key, tuple(values)) for key, values in _named(chosen) if values]
    if chosen.segments is not None:
        must.append(Clause("segment", range=(None, float(chosen.segments.start), float(chosen.segments.stop), None)))
    must_not = [Clause("item_id", chosen.exclude_item_ids)] if chosen.exclude_item_ids else []
    rest: list[Condition] = []
    for condition in chosen.where:
        if isinstance(condition, RangeCondition):
            found, exact = [Clause(condition.field, range=_bounds(condition))], True
        else:
            words, exact = narrowed(condition)
            found = [Clause("about", (word,)) for word in words]
        if not exact:
            rest.append(condition)
        if not condition.negated:
            must += found
        elif exact:
            must_not += found
    return Clauses(tuple(must), tuple(must_not), tuple(rest))


def search_exactly(
    lookups: Sequence[Lookup], ask: Callable[[Sequence[Lookup]], list[list[Scored]]]
) -> list[list[Scored]]:
    """Answer lookups by an engine that evaluates only clauses: raise the limits until enough points pass the filter."""
    compiled = [clauses(lookup.filter) for lookup in lookups]
    limits = [lookup.limit * (WIDER if rest.rest else 1) for lookup, rest in zip(lookups, compiled, strict=True)]
    answers: list[list[Scored]] = [[] for _ in lookups]
    open_ = list(range(len(lookups)))
    while open_:
        pages = ask([replace(lookups[n], limit=limits[n]) for n in open_])
        unanswered = []
        for n, page in zip(open_, pages, strict=True):
            answers[n] = [point for point in page if compiled[n].keeps(point.payload)][: lookups[n].limit]
            if len(answers[n]) < lookups[n].limit and len(page) == limits[n]:
                limits[n] *= WIDER
                unanswered.append(n)
        open_ = unanswered
    return answers


def _named(chosen: Filter) -> list[tuple[str, Sequence[str]]]:
    return [("modality", chosen.modalities), ("item_id", chosen.item_ids)]


def _bounds(condition: RangeCondition) -> tuple[float | None, float | None, float | None, float | None]:
    return condition.gt, condition.gte, condition.lt, condition.lte
