"""Leakage: what test sets share with training pools, counted by files, embeddings, names and captions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from blake3 import blake3

from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import source_id
from omnisearch_training.evaluate.ground_truth import rows_of
from omnisearch_training.evaluate.recall import Side

NEAR_ITEM = 0.98  # the cosine of near-duplicates, in every space of their modality
NEAR_NAME = 0.8  # the share of common words of near names
EXAMPLES = 5


@dataclass(frozen=True)
class Leak:
    """The overlap of one test set of a modality, of `items` records, with all training records of that modality.

    `files` counts the records with a file that is in training, byte by byte; `near` those of the `compared` ones whose
    cosine to a training item is NEAR_ITEM or more in every space. `names` counts equal plain names, `near_names`
    further names that differ in case, number or article or share NEAR_NAME of their words, and `captions` records with
    any equal caption. `examples` are pairs of ids, test and training.
    """

    dataset: str
    modality: Modality
    items: int
    files: int
    compared: int
    near: int
    names: int
    near_names: int
    captions: int
    examples: tuple[tuple[str, str], ...]


def leaks(
    train: Sequence[Record],
    tests: Mapping[str, Sequence[Record]],
    train_sides: Mapping[Modality, Side],
    test_sides: Mapping[Modality, Side],
) -> Iterator[Leak]:
    """Compare every test set with the training records. Embeddings are compared as far as the sides have them."""
    for modality in Modality:
        known = [record for record in train if modality in record.files]
        if modality is Modality.TEXT or not known:
            continue
        said = _Said(known)
        hashes = {_hash(record, modality): record.id for record in known}
        for dataset, records in tests.items():
            asked = [record for record in records if modality in record.files]
            if asked:
                yield _leak(dataset, modality, asked, said, hashes, train_sides, test_sides)


class _Said:
    """The names and captions of training records."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.names: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self._concepts: dict[frozenset[str], str] = {}
        self._holding: dict[str, set[frozenset[str]]] = defaultdict(set)
        for record in records:
            self.names.setdefault(record.captions[0].casefold(), record.id)
            for caption in record.captions:
                self.captions.setdefault(caption.casefold(), record.id)
            words = _words(record)
            self._concepts.setdefault(words, record.id)
            for word in words:
                self._holding[word].add(words)

    def near(self, record: Record) -> str | None:
        """Return a record whose name has nearly the same words, or None."""
        words = _words(record)
        for other in set().union(*(self._holding.get(word, ()) for word in words)):
            if len(words & other) >= NEAR_NAME * len(words | other):
                return self._concepts[other]
        return None


def _leak(
    dataset: str,
    modality: Modality,
    records: Sequence[Record],
    said: _Said,
    hashes: Mapping[str, str],
    train_sides: Mapping[Modality, Side],
    test_sides: Mapping[Modality, Side],
) -> Leak:
    copies = {record.id: hashes[key] for record in records if (key := _hash(record, modality)) in hashes}
    compared, near = _near(modality, records, train_sides, test_sides)
    names = {r.id: said.names[r.captions[0].casefold()] for r in records if r.captions[0].casefold() in said.names}
    nearly = {r.id: found for r in records if r.id not in names and (found := said.near(r))}
    captions = sum(any(caption.casefold() in said.captions for caption in r.captions) for r in records)
    examples = [*copies.items(), *near.items(), *names.items(), *nearly.items()][:EXAMPLES]
    return Leak(
        dataset,
        modality,
        len(records),
        len(copies),
        compared,
        len(near),
        len(names),
        len(nearly),
        captions,
        tuple(dict.fromkeys(examples)),
    )


def _near(
    modality: Modality, records: Sequence[Record], train: Mapping[Modality, Side], test: Mapping[Modality, Side]
) -> tuple[int, dict[str, str]]:
    """Return how many records have an embedding, and those with a near-duplicate: {id: id in training}."""
    if modality not in train or modality not in test:
        return 0, {}
    known, own = train[modality].embeddings, test[modality].embeddings
    found, rows = {}, rows_of(test[modality].rows, modality, records)
    for row in rows:
        # In every space, because one alone may not tell two things apart.
        scores = np.min([known[key] @ own[key][row] for key in own], axis=0)
        best = int(np.argmax(scores))
        if scores[best] >= NEAR_ITEM:
            found[test[modality].rows[row].key] = train[modality].rows[best].key
    return len(rows), found


def _hash(record: Record, modality: Modality) -> str:
    return blake3(record.files[modality].read_bytes()).hexdigest()


def _words(record: Record) -> frozenset[str]:
    return frozenset(source_id(record.captions[0]).split())
