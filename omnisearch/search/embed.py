"""Embedding: terms become unit vectors. Each distinct term is embedded once, and remembered by its content."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.errors import MediaError, QueryError
from omnisearch.media.file import item_id
from omnisearch.paths import show_path
from omnisearch.query import ItemRef, Term
from omnisearch.search.index import Index
from omnisearch.spaces.towers import unit
from omnisearch.types import Content, Decoded, Floats, Modality

# A query file is embedded as the mean of its segments; more than these add time, not meaning.
QUERY_SEGMENTS = 32
REMEMBERED = 1024  # terms; a vector of 1024 dimensions is 4 KiB

Key: TypeAlias = tuple[str, bool, str, str]  # the model's fingerprint, explained or not, content, slice


class Decoder(Protocol):
    """What search asks of `omnisearch.media`."""

    def decode(self, path: Path, follow_links: bool = True) -> Decoded:
        """Open a file of the user."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


@dataclass(frozen=True, eq=False)
class Embedded:
    """A term's unit vector (dim,), its combining factors, and the item that it is, if it is one."""

    vector: Floats
    factors: Mapping[str, float] = field(default_factory=dict)
    item_id: str | None = None


class Embedder:
    """Embeds the terms of queries with the model of an index. Safe to use from several threads."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._known: OrderedDict[Key, Embedded] = OrderedDict()
        self._encoding = threading.RLock()  # towers load on first use, and one batch already fills the cores

    def embed(self, index: Index, terms: Iterable[Term], explain: bool = False) -> dict[Term, Embedded]:
        """Embed terms; their weights do not matter. The texts among them are one call of their tower.

        Raises:
            QueryError: a text holds bytes that are no UTF-8.
            MediaError: a file term cannot be read.
            NotFoundError: an item term is not in the index.
        """
        distinct = tuple(dict.fromkeys(terms))
        for term in distinct:
            _check_unicode(term)
        found = {t: _item(index, t.source) for t in distinct if isinstance(t.source, ItemRef)}
        found |= self._texts(index.model, [t for t in distinct if isinstance(t.source, str)], explain)
        for term in distinct:
            if isinstance(term.source, Path):
                found[term] = self._file(index.model, term, term.source, explain)
        return found

    def _texts(self, model: OmniBind, terms: Sequence[Term], explain: bool) -> dict[Term, Embedded]:
        keys: dict[Term, Key] = {t: (model.fingerprint, explain, f"text {t.source}", "") for t in terms}
        found = {key: known for key in keys.values() if (known := self._recall(key))}
        texts = {key: str(term.source) for term, key in keys.items() if key not in found}
        if texts:
            rows, factors = self._encode(model, Modality.TEXT, list(texts.values()), explain)
            for n, key in enumerate(texts):
                found[key] = Embedded(rows[n], {name: float(column[n]) for name, column in factors.items()})
                self._remember(key, found[key])
        return {term: found[key] for term, key in keys.items()}

    def _file(self, model: OmniBind, term: Term, path: Path, explain: bool) -> Embedded:
        try:
            own = item_id(path)
            key = (model.fingerprint, explain, f"file {own}", str(term.slice))
            if known := self._recall(key):
                return known
            decoded = self._decoder.decode(path)
            contents = [piece.content for piece in islice(decoded.pieces, QUERY_SEGMENTS)]
        except MediaError as error:  # name the term
            raise MediaError(error.reason, f"{term}: {error.detail}" if error.detail else str(term)) from None
        rows, factors = self._encode(model, decoded.info.modality, contents, explain)
        found = Embedded(_mean(rows), {name: float(column.mean()) for name, column in factors.items()}, own)
        self._remember(key, found)
        return found

    def _encode(
        self, model: OmniBind, modality: Modality, contents: Sequence[Content], explain: bool
    ) -> tuple[Floats, dict[str, Floats]]:
        with self._encoding:
            spaces = model.encode_spaces(modality, contents)
            return model.bind(modality, spaces), model.factors(modality, spaces) if explain else {}

    def _recall(self, key: Key) -> Embedded | None:
        with self._encoding:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def _remember(self, key: Key, found: Embedded) -> None:
        with self._encoding:
            self._known[key] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


def _item(index: Index, item: ItemRef) -> Embedded:
    points = index.item(item.id, with_vectors=True)
    return Embedded(_mean(np.stack([p.vector for p in points])), item_id=item.id)


def _check_unicode(term: Term) -> None:
    written = term.source.id if isinstance(term.source, ItemRef) else term.source
    if isinstance(written, str) and any("\ud800" <= c <= "\udfff" for c in written):
        raise QueryError(f"{show_path(str(term))!r} holds bytes that are no UTF-8: write it anew in UTF-8")


def _mean(vectors: Floats) -> Floats:
    """The mean direction of rows (n, dim): (dim,)."""
    mean: Floats = unit(vectors.sum(axis=0, keepdims=True))[0]
    return mean
