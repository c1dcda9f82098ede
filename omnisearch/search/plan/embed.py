"""Embedding: terms become unit vectors. Each distinct term is embedded once and cached by its content."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.errors import MediaError, NotFoundError, OmnisearchError, QueryError
from omnisearch.media.decoder import Decoder
from omnisearch.media.file import item_id
from omnisearch.paths import find_path, show_path
from omnisearch.query.expressions import ItemRef, Term, UploadRef
from omnisearch.query.phrases import without_quotes
from omnisearch.search.index import QueryContext
from omnisearch.search.plan.budget import UNLIMITED, Budget
from omnisearch.search.plan.shared_encoding import Encoders
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, Role, SpaceEmbeddings

# A query file is embedded as the mean of its segments. More segments take time and hardly change the mean.
QUERY_SEGMENTS = 32
REMEMBERED = 1024  # terms; each takes 4 KiB for 1024 dimensions, for each segment, and for each explained space

# Reasons why the contributions of the spaces are unknown.
SPACELESS = "a raw vector was not made by spaces"
NOT_KEPT = "the space embeddings of this item are not stored beside the index"
# Rounding in float32 changes the numbers of a unit vector by about 1e-7. A larger difference means that the file is
# being indexed again: its space embeddings are stored before its vectors.
SAME = 1e-4

Key: TypeAlias = tuple[str, bool, str, str]  # the model's fingerprint, explained or not, content, slice


@dataclass(frozen=True, eq=False)
class EmbeddedTerm:
    """A term's unit vector (dim,), its modality (None for a raw vector), and its item id if the term is an item.

    `segments` (n, dim) are the unit vectors of a file or an item; the vector is their mean direction. None for a text
    and a raw vector.

    If the query is explained, `parts` (dim,) by space add up to the vector, and `factors` are the combining factors;
    or `unsplit` is the reason why there are none.
    """

    vector: Floats
    modality: Modality | None = None
    item_id: str | None = None
    parts: Mapping[str, Floats] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    unsplit: str = ""
    segments: Floats | None = None


class Embedder:
    """Embeds the terms of queries with the model of an index. Safe to use from several threads.

    A text is embedded in the `role` asked for. A file is always embedded as a document, as the indexer embeds it, so
    its copies in the index have its vector.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._known: OrderedDict[Key, EmbeddedTerm] = OrderedDict()
        self._knowing = threading.Lock()
        self._encoders = Encoders()

    def embed(
        self,
        index: QueryContext,
        terms: Iterable[Term],
        explain: bool = False,
        budget: Budget = UNLIMITED,
        role: Role = Role.QUERY,
    ) -> dict[Term, EmbeddedTerm]:
        """Embed terms; their weights do not matter. All texts among them are embedded in one call of their tower.

        Raises:
            QueryError: a text is not valid UTF-8, a vector does not fit the model, or a file is longer than the budget
                allows.
            MediaError: a file term cannot be read, or does not contain its slice.
            NotFoundError: an item term is not in the index, or has a slice and its file is missing.
            StoppedError: the budget's `stopped()` became true.
        """
        outcomes = self.try_to_embed(index, terms, explain, budget, role)
        return {term: succeeded(outcome) for term, outcome in outcomes.items()}

    def try_to_embed(
        self,
        index: QueryContext,
        terms: Iterable[Term],
        explain: bool = False,
        budget: Budget = UNLIMITED,
        role: Role = Role.QUERY,
    ) -> dict[Term, EmbeddedTerm | OmnisearchError]:
        """Embed terms like `embed`, but return the QueryError, MediaError or NotFoundError of a term in its place.

        Raises:
            StoppedError: the budget's `stopped()` became true.
        """
        distinct = tuple(dict.fromkeys(terms))
        found: dict[Term, EmbeddedTerm | OmnisearchError] = {}
        for term in distinct:
            try:
                _check_unicode(term)
                if not isinstance(term.source, str):
                    found[term] = self._other(index, term, explain, budget)
            except (QueryError, MediaError, NotFoundError) as error:
                found[term] = error
        texts = [term for term in distinct if term not in found]
        found |= self._texts(index.model, texts, explain, budget, role)
        return {term: found[term] for term in distinct}

    def _other(self, index: QueryContext, term: Term, explain: bool, budget: Budget) -> EmbeddedTerm:
        match term.source:
            case Path():
                return self._file(index.model, term, term.source, explain, budget)
            case ItemRef() if term.slice is None:
                return _item(index, term.source, explain)
            case ItemRef():
                return self._file(index.model, term, path_of(index, term.source), explain, budget)
            case UploadRef():
                raise QueryError(f"{term}: only the server that keeps an upload can read it; name a file instead")
            case _:
                return EmbeddedTerm(_checked(term, index.model.dim), unsplit=SPACELESS if explain else "")

    def _texts(
        self, model: OmniBind, terms: Sequence[Term], explain: bool, budget: Budget, role: Role
    ) -> dict[Term, EmbeddedTerm]:
        keys: dict[Term, Key] = {t: (model.fingerprint, explain, f"{role} {t.source}", "") for t in terms}
        found = {key: known for key in keys.values() if (known := self._recall(key))}
        texts = {key: without_quotes(str(term.source)) for term, key in keys.items() if key not in found}
        if texts:
            cut = [self._decoder.passages(text)[:QUERY_SEGMENTS] for text in texts.values()]
            spaces = self._encoders.encode_spaces(model, Modality.TEXT, list(chain(*cut)), role, budget)
            encoded = _Encoded.bound(model, Modality.TEXT, spaces, explain)
            first = 0
            for key, passages in zip(texts, cut, strict=True):
                made = encoded.of(range(first, first + len(passages)), None)
                # A long text is a document, and would displace the queries in the cache.
                found[key] = self._remember(key, made) if len(passages) == 1 else made
                first += len(passages)
        return {term: found[key] for term, key in keys.items()}

    def _file(self, model: OmniBind, term: Term, path: Path, explain: bool, budget: Budget) -> EmbeddedTerm:
        budget.check()
        try:
            own = item_id(path)
            key = (model.fingerprint, explain, f"file {own}", str(term.slice))
            if known := self._recall(key):
                return known
            decoded = self._decoder.decode(path, slice_=term.slice, stopped=budget.stopped)
            try:
                budget.check_length(term, decoded.info)
                contents = [piece.content for piece in islice(decoded.pieces, QUERY_SEGMENTS)]
            finally:
                decoded.pieces.close()  # type: ignore[attr-defined]  # frees the decoder: encoding takes long
        except MediaError as error:
            raise error.about(term) from None
        spaces = self._encoders.encode_spaces(model, decoded.info.modality, contents, Role.DOCUMENT, budget)
        encoded = _Encoded.bound(model, decoded.info.modality, spaces, explain)
        return self._remember(key, replace(encoded.of(range(len(contents)), own), segments=encoded.rows))

    def _recall(self, key: Key) -> EmbeddedTerm | None:
        with self._knowing:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def _remember(self, key: Key, found: EmbeddedTerm) -> EmbeddedTerm:
        with self._knowing:
            self._known[key] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found


@dataclass(frozen=True, eq=False)
class _Encoded:
    """n encoded contents: unit rows (n, dim) and, if explained, their parts (n, dim) by space and factors (n,)."""

    rows: Floats
    modality: Modality
    parts: Mapping[str, Floats] = field(default_factory=dict)
    factors: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def bound(cls, model: OmniBind, modality: Modality, spaces: SpaceEmbeddings, explain: bool) -> "_Encoded":
        """Bind the embeddings of the spaces; if `explain`, also keep their contributions."""
        rows = model.bind(modality, spaces)
        return cls.explained(rows, model, modality, spaces) if explain else cls(rows, modality)

    @classmethod
    def explained(cls, rows: Floats, model: OmniBind, modality: Modality, spaces: SpaceEmbeddings) -> "_Encoded":
        """Add the contributions of the spaces to rows (n, dim)."""
        return cls(rows, modality, model.decompose(modality, spaces), model.factors(modality, spaces))

    def of(self, chosen: Sequence[int], item: str | None) -> EmbeddedTerm:
        """Return the mean direction of the chosen rows, and the parts that add up to it."""
        chosen = list(chosen)
        total = self.rows[chosen].sum(axis=0)
        length = np.float32(np.linalg.norm(total))
        parts = {name: rows[chosen].sum(axis=0) / length for name, rows in self.parts.items()}
        factors = {name: float(rows[chosen].mean()) for name, rows in self.factors.items()}
        return EmbeddedTerm(total / length, self.modality, item, parts, factors)


def _item(index: QueryContext, item: ItemRef, explain: bool) -> EmbeddedTerm:
    found = index.item(item.id, with_vectors=True)
    points = [point for point in found if item.segment in (None, point.payload.segment.index)]
    if not points:
        raise NotFoundError(f"{item}: there is no such segment; the item has {len(found)}, counted from 0")
    every, rows = range(len(points)), unit(np.stack([point.vector for point in points]))
    modality = points[0].payload.modality
    whole = replace(_Encoded(rows, modality).of(every, item.id), segments=rows[:QUERY_SEGMENTS])
    if not explain:
        return whole
    spaces = index.spaces(points)
    if spaces is not None:
        split = _Encoded.explained(rows, index.model, modality, spaces).of(every, item.id)
        if np.allclose(sum(split.parts.values()), split.vector, rtol=0, atol=SAME):
            return replace(split, segments=whole.segments)
    return replace(whole, unsplit=NOT_KEPT)


def succeeded(outcome: EmbeddedTerm | OmnisearchError) -> EmbeddedTerm:
    """Return the embedding of a term. If the outcome is an error, raise it."""
    if isinstance(outcome, OmnisearchError):
        raise outcome
    return outcome


def path_of(index: QueryContext, item: ItemRef) -> Path:
    """Return the file of an item.

    Raises:
        NotFoundError: no such item, or its file has changed since it was indexed.
        MediaError: the file cannot be opened.
    """
    path = find_path(index.item(item.id)[0].payload.path)
    if item_id(path) != item.id:
        shown = show_path(str(path))
        raise NotFoundError(f"{item}: {shown} has changed since it was indexed; run `omnisearch index PATH...`")
    return path


def _checked(term: Term, dim: int) -> Floats:
    """Return the numbers of a raw vector as a row of unit length (1, dim)."""
    vector = np.asarray(term.source, np.float64)
    if vector.shape != (dim,) or not np.isfinite(vector).all() or not vector.any():
        raise QueryError(f"{term}: a vector of this model has {dim} finite numbers that are not all zero")
    vector /= np.abs(vector).max()  # squares of large numbers overflow
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _check_unicode(term: Term) -> None:
    written = term.source.id if isinstance(term.source, ItemRef | UploadRef) else term.source
    if isinstance(written, str) and any("\ud800" <= c <= "\udfff" for c in written):
        raise QueryError(f"{show_path(str(term))!r} contains bytes that are not UTF-8: write it in UTF-8")
