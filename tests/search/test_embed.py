"""Embedding: each distinct term once, remembered by its content, with parts that add up to it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import MediaError, NotFoundError, QueryError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import ItemRef, Term
from omnisearch.search.index import Index
from omnisearch.search.plan.embed import Embedder
from omnisearch.stores.base import Payload, Point
from omnisearch.types import Floats, Modality, Page, Region, Role, Segment, Stretch

RATE = 8000


class Shelf:
    """An index of one item with two segments, along two axes."""

    def __init__(self, model: OmniBind, path: Path) -> None:
        self.model, self.path = model, path

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:
        if item_id not in ("two", "changed"):
            raise NotFoundError(f"no item {item_id!r} in the index")
        axes = np.eye(2, self.model.dim, dtype=np.float32)
        return [
            Point(
                f"p{n}",
                axes[n],
                Payload(
                    item_id=item_id,
                    modality=Modality.AUDIO,
                    path=str(self.path),
                    segment=Segment(n, n, n + 1, "seconds"),
                ),
            )
            for n in range(2)
        ]


@pytest.fixture
def index(hashed_model: Path, tmp_path: Path) -> Index:
    model = OmniBind.load(str(hashed_model), load_settings())
    return Shelf(model, tmp_path / "red.png")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(load_settings(), workers=1) as pool:
        yield pool


@pytest.fixture
def embedder(pool: DecoderPool) -> Embedder:
    return Embedder(pool)


@pytest.fixture
def calls(index: Index, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Modality, int]]:
    """The modality and the number of contents of every call of the towers."""
    made: list[tuple[Modality, int]] = []
    encode = index.model.encode_spaces

    def counted(modality: Modality, contents: list[object], role: Role, share: float) -> object:
        made.append((modality, len(contents)))
        return encode(modality, contents, role, share)  # type: ignore[arg-type]

    monkeypatch.setattr(index.model, "encode_spaces", counted)
    return made


def flag(path: Path) -> Path:
    image = Image.new("RGB", (40, 20), (220, 30, 30))
    image.paste((30, 60, 220), (20, 0, 40, 20))
    image.save(path)
    return path


def vector(embedder: Embedder, index: Index, term: Term) -> Floats:
    return embedder.embed(index, [term])[term].vector


def test_the_texts_of_all_terms_are_one_call_and_are_remembered(
    embedder: Embedder, index: Index, calls: list[tuple[Modality, int]]
) -> None:
    found = embedder.embed(index, [Term("red"), Term("blue", -2), Term("red", 0.5)])
    assert calls == [(Modality.TEXT, 2)]
    assert len(found) == 3
    embedder.embed(index, [Term("blue"), Term("green")])
    assert calls == [(Modality.TEXT, 2), (Modality.TEXT, 1)]


def test_a_file_is_remembered_by_its_content_and_its_slice(
    embedder: Embedder, index: Index, calls: list[tuple[Modality, int]], tmp_path: Path
) -> None:
    one, copy = flag(tmp_path / "a.png"), tmp_path / "b.png"
    shutil.copy(one, copy)
    left = Region(0, 0, 0.5, 1, relative=True)
    np.testing.assert_array_equal(vector(embedder, index, Term(one)), vector(embedder, index, Term(copy)))
    assert len(calls) == 1
    sliced = vector(embedder, index, Term(copy, slice=left))
    assert len(calls) == 2
    np.testing.assert_allclose(sliced, vector(embedder, index, Term("red")), atol=1e-6)
    Image.new("RGB", (40, 20), (30, 60, 220)).save(copy)
    np.testing.assert_allclose(vector(embedder, index, Term(copy)), vector(embedder, index, Term("blue")), atol=1e-6)


def test_a_stretch_of_a_sound_is_what_is_heard_there(embedder: Embedder, index: Index, tmp_path: Path) -> None:
    low, high = (0.5 * np.sin(2 * np.pi * f * np.arange(3 * RATE) / RATE) for f in (110, 3000))
    soundfile.write(tmp_path / "a.wav", np.concatenate([low, high]), RATE)
    for name, part in (("low", Stretch(0.5, 2.5)), ("high", Stretch(3.5, 5))):
        found = vector(embedder, index, Term(tmp_path / "a.wav", slice=part))
        np.testing.assert_allclose(found, vector(embedder, index, Term(name)), atol=1e-6)


def test_an_item_is_the_mean_of_its_segments_or_one_of_them(embedder: Embedder, index: Index) -> None:
    axes = np.eye(2, index.model.dim, dtype=np.float32)
    np.testing.assert_allclose(vector(embedder, index, Term(ItemRef("two"))), axes.sum(axis=0) / np.sqrt(2), atol=1e-6)
    np.testing.assert_array_equal(vector(embedder, index, Term(ItemRef("two", 1))), axes[1])
    with pytest.raises(NotFoundError, match="id:two#2: there is no such segment; the item has 2, counted from 0"):
        vector(embedder, index, Term(ItemRef("two", 2)))


def test_a_slice_of_an_item_whose_file_has_changed_is_refused(embedder: Embedder, index: Index, tmp_path: Path) -> None:
    flag(tmp_path / "red.png")
    with pytest.raises(NotFoundError, match="has changed since it was indexed"):
        vector(embedder, index, Term(ItemRef("changed"), slice=Region(0, 0, 5, 5)))


def test_a_raw_vector_is_checked_and_normalised(embedder: Embedder, index: Index) -> None:
    row = np.arange(index.model.dim) - 3.0
    found = vector(embedder, index, Term(tuple(row.tolist())))
    np.testing.assert_allclose(found, row / np.linalg.norm(row), atol=1e-6)
    for bad in ((1.0,) * 3, (0.0,) * index.model.dim, (float("nan"),) * index.model.dim):
        with pytest.raises(QueryError, match=f"a vector of this model has {index.model.dim} finite numbers"):
            vector(embedder, index, Term(bad))


def test_explained_parts_add_up_to_the_vector(embedder: Embedder, index: Index, tmp_path: Path) -> None:
    terms = [Term("a red song"), Term(flag(tmp_path / "a.png"))]
    for found in embedder.embed(index, terms, explain=True).values():
        assert found.parts
        np.testing.assert_allclose(sum(found.parts.values()), found.vector, atol=1e-6)


def test_an_error_names_the_term_and_the_slice(embedder: Embedder, index: Index, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.png@p2: @p2 is a part of text") as caught:
        vector(embedder, index, Term(flag(tmp_path / "a.png"), slice=Page(2)))
    assert caught.value.reason is Reason.BAD_SLICE
