"""A filter as the engines understand it: clauses that must hold, clauses that must not, and what is left to check."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from omnisearch.query.conditions import Condition, RangeCondition
from omnisearch.stores.base import Filter, Lookup, Payload, Scored
from omnisearch.stores.keyword_index import narrowed

# How many times more points are asked for where some of them may be refused here.
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
    """`rest` are the conditions that the clauses narrow but do not decide."""

    must: tuple[Clause, ...]
    must_not: tuple[Clause, ...]
    rest: tuple[Condition, ...] = ()

    def keeps(self, payload: Payload) -> bool:
        """Whether a point that the engine found passes all of the filter."""
        return all(condition.holds(payload) for condition in self.rest)

    def plain(self) -> dict[str, Any]:
        """As JSON; without `rest`, which no engine sees."""
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
    """Answer lookups by an engine that sees only their clauses: ask for more until enough of the points are kept."""
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
