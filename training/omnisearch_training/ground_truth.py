"""Which items of one modality are right answers to which queries of another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import source_id

Rows = NDArray[np.int64]


class Truth(StrEnum):
    """What makes a target right: the very same record, the same name, or a name that says both terms of a query."""

    ITEM = "item"
    NAME = "name"
    BOTH = "both"


@dataclass(frozen=True)
class Entry:
    """One row of a modality: `key` is its record's id, or the name as first spelled where the modality is text."""

    key: str
    concept: str


@dataclass(frozen=True, eq=False)
class Trial:
    """One question to a model: rows of a modality as queries, rows of another as targets; equal groups are right."""

    query: Modality
    target: Modality
    truth: Truth
    queries: Rows
    targets: Rows
    query_groups: tuple[str, ...]
    target_groups: tuple[str, ...]


def concept(record: Record) -> str:
    """Return what a record shows: its source item, or its plain name where the record is a source of its own."""
    return source_id(record.captions[0]) if record.source_id == record.id else record.source_id


def entry_of(record: Record) -> Entry:
    """Return a record's row among those of one of its modalities."""
    return Entry(record.id, concept(record))


def names(records: Iterable[Record]) -> tuple[Entry, ...]:
    """Return the distinct plain names of the records that have a file, as rows of text."""
    found: dict[tuple[str, str], Entry] = {}
    for record in records:
        if record.files:
            found.setdefault(_said(entry := Entry(record.captions[0], concept(record))), entry)
    return tuple(found.values())


def trials(records: Sequence[Record], rows: Mapping[Modality, Sequence[Entry]]) -> Iterator[Trial]:
    """Give every ordered pair of modalities that has ground truth in these rows.

    Text is asked and offered by name, among the names of the other modality's records. Two media are paired by item
    where records have both, and by name where any have one in common.
    """
    own: dict[Modality, set[tuple[str, str]]] = {
        m: {_said(e) for e in names(r for r in records if m in r.files)} for m in rows
    }
    for query, target in permutations(rows, 2):
        asked, offered = rows[query], rows[target]
        if Modality.TEXT in (query, target):
            listed = own[target if query is Modality.TEXT else query]
            sides = [
                [i for i, e in enumerate(side) if m is not Modality.TEXT or _said(e) in listed]
                for m, side in ((query, asked), (target, offered))
            ]
            yield from _trial(query, target, Truth.NAME, asked, offered, *sides)
            continue
        common = {e.key for e in asked} & {e.key for e in offered}
        sides = [[i for i, e in enumerate(side) if e.key in common] for side in (asked, offered)]
        yield from _trial(query, target, Truth.ITEM, asked, offered, *sides)
        everything = list(range(len(asked))), list(range(len(offered)))
        yield from _trial(query, target, Truth.NAME, asked, offered, *everything)


def _said(entry: Entry) -> tuple[str, str]:
    """What a name is the same by: spelling without case, and concept."""
    return entry.key.casefold(), entry.concept


def _trial(
    query: Modality,
    target: Modality,
    truth: Truth,
    asked: Sequence[Entry],
    offered: Sequence[Entry],
    queries: Sequence[int],
    targets: Sequence[int],
) -> Iterator[Trial]:
    by_item = truth is Truth.ITEM
    wanted = tuple(asked[i].key if by_item else asked[i].concept for i in queries)
    given = tuple(offered[i].key if by_item else offered[i].concept for i in targets)
    if set(wanted) & set(given):
        yield Trial(query, target, truth, np.array(queries), np.array(targets), wanted, given)
