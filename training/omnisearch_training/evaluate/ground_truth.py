"""Ground truth: the right items of one modality for each query of another."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import source_id
from omnisearch_training.evaluate.metrics import holders_of

Rows = NDArray[np.int64]


class Truth(StrEnum):
    """The criterion for a right target: the same record, the same name, one name within the other ("dog" and "dog
    barking"), or a name with both terms of a composed query.
    """

    ITEM = "item"
    NAME = "name"
    WORDS = "words"
    BOTH = "both"


@dataclass(frozen=True)
class Entry:
    """One row of a modality: `key` is its record's id, or for texts the first spelling of the name."""

    key: str
    concept: str


Numbered: TypeAlias = Sequence[tuple[int, Entry]]


@dataclass(frozen=True, eq=False)
class Trial:
    """One evaluation: rows of a modality as queries, rows of another as targets.

    `answers` are the indexes of each query's right targets in `targets`, `groups` the concepts of the queries.
    """

    query: Modality
    target: Modality
    truth: Truth
    queries: Rows
    targets: Rows
    answers: tuple[Collection[int], ...]
    groups: tuple[str, ...]


def concept(record: Record) -> str:
    """Return the concept of a record: its source item, or its plain name if the record is its own source."""
    return source_id(record.captions[0]) if record.source_id == record.id else record.source_id


def entry_of(record: Record) -> Entry:
    """Return the row of a record."""
    return Entry(record.id, concept(record))


def names(records: Iterable[Record]) -> tuple[Entry, ...]:
    """Return the distinct plain names of the records that have a file, as rows of text."""
    found: dict[tuple[str, str], Entry] = {}
    for record in records:
        if record.files:
            found.setdefault(_said(entry := Entry(record.captions[0], concept(record))), entry)
    return tuple(found.values())


def rows_of(rows: Sequence[Entry], modality: Modality, records: Iterable[Record]) -> list[int]:
    """Return the rows of a modality that belong to these records: by file, or by name for text."""
    shown = list(records)
    if modality is Modality.TEXT:
        said = {_said(entry) for entry in names(shown)}
        return [i for i, entry in enumerate(rows) if _said(entry) in said]
    ids = {record.id for record in shown}
    return [i for i, entry in enumerate(rows) if entry.key in ids]


def trials(records: Sequence[Record], rows: Mapping[Modality, Sequence[Entry]]) -> Iterator[Trial]:
    """Yield an evaluation for every ordered pair of modalities with ground truth in these rows.

    Texts are the names of the other modality's records. Two media are matched by item if records have both, by name if
    they have names in common, and by words if one name contains another.
    """
    own: dict[Modality, set[tuple[str, str]]] = {
        m: {_said(e) for e in names(r for r in records if m in r.files)} for m in rows
    }
    for query, target in permutations(rows, 2):
        asked, offered = list(enumerate(rows[query])), list(enumerate(rows[target]))
        if query is Modality.TEXT:
            yield from _by_name(query, target, [(i, e) for i, e in asked if _said(e) in own[target]], offered)
        elif target is Modality.TEXT:
            yield from _by_name(query, target, asked, [(i, e) for i, e in offered if _said(e) in own[query]])
        else:
            common = {e.key for _, e in asked} & {e.key for _, e in offered}
            left, right = ([(i, e) for i, e in side if e.key in common] for side in (asked, offered))
            places = holders_of([e.key for _, e in right])
            yield from _trial(query, target, Truth.ITEM, left, right, [places[e.key] for _, e in left])
            yield from _by_name(query, target, asked, offered)
            yield from _by_words(query, target, asked, offered)


def _by_name(query: Modality, target: Modality, asked: Numbered, offered: Numbered) -> Iterator[Trial]:
    places = holders_of([e.concept for _, e in offered])
    answers = [places.get(e.concept, []) for _, e in asked]
    yield from _trial(query, target, Truth.NAME, asked, offered, answers)


def _by_words(query: Modality, target: Modality, asked: Numbered, offered: Numbered) -> Iterator[Trial]:
    places = holders_of([e.concept for _, e in offered])
    words = {concept: frozenset(concept.split()) for concept in {*places, *(e.concept for _, e in asked)}}
    sharing: dict[str, set[str]] = {}
    for concept in places:
        for word in words[concept]:
            sharing.setdefault(word, set()).add(concept)
    found: dict[str, list[int]] = {}
    for concept in dict.fromkeys(e.concept for _, e in asked):
        near = set().union(*(sharing.get(word, ()) for word in words[concept]))
        right = [c for c in near if words[c] <= words[concept] or words[concept] <= words[c]]
        found[concept] = [place for c in right for place in places[c]]
    if any(len(found[c]) > len(places.get(c, ())) for c in found):  # else it equals the result by name
        yield from _trial(query, target, Truth.WORDS, asked, offered, [found[e.concept] for _, e in asked])


def _trial(
    query: Modality, target: Modality, truth: Truth, asked: Numbered, offered: Numbered, answers: Sequence[list[int]]
) -> Iterator[Trial]:
    kept = [at for at, right in enumerate(answers) if right]
    if kept:
        yield Trial(
            query,
            target,
            truth,
            np.array([asked[at][0] for at in kept]),
            np.array([row for row, _ in offered]),
            tuple(answers[at] for at in kept),
            tuple(asked[at][1].concept for at in kept),
        )


def _said(entry: Entry) -> tuple[str, str]:
    """The keys by which names match: the spelling without case, and the concept."""
    return entry.key.casefold(), entry.concept
