"""Answering queries together: they share one encoder pass and few store calls. Each gets its own answer or error."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TypeAlias, TypeVar

from omnisearch.errors import MediaError, NotFoundError, OmnisearchError, QueryError
from omnisearch.paths import is_missing
from omnisearch.query.expressions import Expression, Term
from omnisearch.query.query import Query
from omnisearch.search.index import Index
from omnisearch.search.plan.budget import Budget
from omnisearch.search.plan.embed import EmbeddedTerm, Embedder, succeeded
from omnisearch.search.plan.feedback import with_feedback
from omnisearch.search.plan.query_plan import plan_query
from omnisearch.search.present.best_segments import best_segments
from omnisearch.search.present.cursor import write_cursor
from omnisearch.search.present.explanation import make_hit
from omnisearch.search.present.matched_text import add_texts
from omnisearch.search.present.order import group_of
from omnisearch.search.present.page import ResultPage, check_page, make_page
from omnisearch.search.present.shown_rows import shown_rows
from omnisearch.search.rank.calibration import nothing_matches
from omnisearch.search.rank.candidates import run_searches
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.types import Answer, Hit

Outcome: TypeAlias = Answer | OmnisearchError
T = TypeVar("T")


def answer_each(index: Index, embedder: Embedder, asked: Sequence[Query | Expression], budget: Budget) -> list[Outcome]:
    """Return an answer or an error for each query. `took_ms` of each answer is the time of the whole batch.

    Raises:
        StoppedError: the budget's `stopped()` became true.
    """
    clock = _Clock()
    wrong: dict[int, OmnisearchError] = {}
    queries = _each(lambda n: _checked(asked[n]), range(len(asked)), wrong)
    with clock("embed"):
        made = {explain: _embed(index, embedder, queries.values(), explain, budget) for explain in (False, True)}
        embedded = _each(lambda n: _of(queries[n], made[queries[n].explain]), queries, wrong)
    with clock("calibrate"):
        plans = _each(lambda n: plan_query(index, queries[n], embedded[n]), embedded, wrong)
    with clock("search"):
        searches = [search for plan in plans.values() for search in plan.searches(plan.depth)]
        found = iter(run_searches(index.store, searches))
    with clock("group"):
        pages = {n: make_page(index.store, p, [next(found) for _ in p.scorers]) for n, p in plans.items()}
        hits = {n: _hits(index, page, queries[n], embedded[n]) for n, page in pages.items()}
    took_ms = clock.took_ms()
    answers = {
        n: Answer(
            hits[n],
            took_ms,
            write_cursor(end, plan.name) if (end := pages[n].end) else None,
            not plan.query.cursor and nothing_matches([pages[n].best], plan.searched),
            plan.cut,
            pages[n].matching,
        )
        for n, plan in plans.items()
    }
    return [answers[n] if n in answers else wrong[n] for n in range(len(asked))]


def answered(outcome: Outcome) -> Answer:
    """Return the answer of an outcome. If the outcome is an error, raise it."""
    if isinstance(outcome, OmnisearchError):
        raise outcome
    return outcome


def _each(make: Callable[[int], T], chosen: Iterable[int], wrong: dict[int, OmnisearchError]) -> dict[int, T]:
    """Call `make` for each of the `chosen` queries. An error of one query is stored in `wrong` under its number."""
    made = {}
    for n in chosen:
        try:
            made[n] = make(n)
        except (QueryError, MediaError, NotFoundError) as error:
            wrong[n] = error
    return made


def _checked(asked: Query | Expression) -> Query:
    query = Query(asked) if isinstance(asked, Expression) else asked
    if not query.terms or query.limit < 1:
        raise QueryError(f"a query needs at least one term and a limit of 1 or more, not {query.limit}")
    check_page(query)
    return with_feedback(query)


def _embed(
    index: Index, embedder: Embedder, queries: Iterable[Query], explain: bool, budget: Budget
) -> dict[Term, EmbeddedTerm | OmnisearchError]:
    terms = [term for query in queries if query.explain is explain for term in query.terms]
    return embedder.try_to_embed(index, terms, explain, budget)


def _of(query: Query, outcomes: Mapping[Term, EmbeddedTerm | OmnisearchError]) -> dict[Term, EmbeddedTerm]:
    return {term: succeeded(outcomes[term]) for term in query.terms}


def _hits(index: Index, page: ResultPage, query: Query, embedded: Mapping[Term, EmbeddedTerm]) -> tuple[Hit, ...]:
    shown = {one.id: _shown_ids(one.entry, query) for one in page.items}
    payloads = index.store.payloads(list(chain.from_iterable(shown.values())))
    # Another process may have deleted an item since the search found it.
    items = [one for one in page.items if payloads.keys() >= set(shown[one.id])]
    entries = [one.entry for one in items]
    parts = best_segments(index.store, entries, payloads, query.segments)
    hits = [
        make_hit(
            one.entry,
            payloads,
            embedded,
            query.explain,
            segments=best,
            duplicates=one.duplicates,
            group=group_of(query, payloads[one.entry.point.id]),
            missing=is_missing(payloads[one.entry.point.id].path),
        )
        for one, best in zip(items, parts, strict=True)
    ]
    return _missing_last(add_texts(index.store, entries, hits))


def _shown_ids(entry: RankedItem, query: Query) -> list[str]:
    """Return the ids of the points that the hit of an item shows."""
    return [entry.scored.points[row].id for row in shown_rows(entry, query.segments, query.explain)]


def _missing_last(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Move hits whose file is missing to the end of the page, or to the end of their group."""
    place = {group: n for n, group in enumerate(dict.fromkeys(each.group for each in hits))}
    return tuple(sorted(hits, key=lambda each: (place[each.group], each.missing)))


class _Clock:
    """Measures the milliseconds of each stage."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._spent[stage] = 1000 * (time.perf_counter() - start)

    def took_ms(self) -> dict[str, float]:
        total = 1000 * (time.perf_counter() - self._start)
        return {stage: round(spent, 2) for stage, spent in {**self._spent, "total": total}.items()}
