"""Suggestions from the names, labels and metadata of items."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.metadata import Metadata
from omnisearch.search import item_sample, suggestions
from omnisearch.search.suggestions import MAX_LENGTH, Suggestion, Vocabulary
from omnisearch.stores.base import Point, VectorStore
from omnisearch.stores.catalog import open_store
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points

PORTO = Metadata(
    place="Porto, Porto, Portugal", camera="Canon EOS R5", artist="Zo\u00eb Banks", keywords=("b\u00e2teau",)
)


def labelled(point: Point, **facts: object) -> Point:
    return replace(point, payload=replace(point.payload, **facts))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    with closing(
        open_store(Settings(data_dir=tmp_path), model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)
    ) as opened:
        a, b, c = points(9)[::3]
        opened.upsert(
            [
                labelled(a, path="/x/Banana split.jpg", tags=("banana", "fruit"), metadata=PORTO),
                labelled(b, path="/x/urban.png", tags=("banana",), meta={"owner": "Bandit"}),
                labelled(c, path="/y/ba-nan.png", tags=(), metadata=PORTO),
            ]
        )
        yield opened


def asked(store: VectorStore, typed: str, limit: int = 10) -> list[tuple[str, str, int]]:
    found = Vocabulary(store, store.count).suggest(typed, limit)
    assert found.exact
    return [(one.text, one.field, one.count) for one in found.found]


def test_what_begins_with_the_letters_is_first_and_then_what_is_frequent(store: VectorStore) -> None:
    assert asked(store, "ban") == [
        ("banana", "tag", 2),
        ("Bandit", "meta.owner", 1),
        ("Banana split.jpg", "name", 1),
        ("Zo\u00eb Banks", "artist", 2),
        ("urban.png", "name", 1),
    ]
    assert asked(store, "ban", 2) == asked(store, "ban")[:2]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("ZOE b", ("Zo\u00eb Banks", "artist", 2)),
        ("bat", ("b\u00e2teau", "keywords", 2)),
        ("eos", ("Canon EOS R5", "camera", 2)),
        ("PORTO", ("Porto", "place", 2)),
        ("portu", ("Portugal", "place", 2)),
        ("ba-na", ("ba-nan.png", "name", 1)),
    ],
)
def test_case_accents_and_punctuation_do_not_matter(store: VectorStore, typed: str, first: object) -> None:
    assert asked(store, typed)[0] == first


@pytest.mark.parametrize("typed", ["!", " ", "xyz", "\ud7a3"])
def test_nothing_is_suggested_where_nothing_fits(store: VectorStore, typed: str) -> None:
    assert asked(store, typed) == []


def test_texts_are_read_again_after_a_while_if_points_were_added(store: VectorStore) -> None:
    now = 0.0
    vocabulary = Vocabulary(store, store.count, lambda: now)
    assert not vocabulary.suggest("cherry", 3).found
    store.upsert([labelled(points(12)[-1], tags=("cherry",))])
    assert not vocabulary.suggest("cherry", 3).found
    now = suggestions.KEPT_SECONDS
    store.upsert([labelled(points(15)[-3], tags=("cherry",))])
    assert vocabulary.suggest("cherry", 3).found == (Suggestion("cherry", "tag", 1),)


def test_memory_is_bounded(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.upsert([labelled(point, tags=("z" * (MAX_LENGTH + 1), "zebra")) for point in points(30)[::3]])
    assert [text for text, field, _ in asked(store, "z") if field == "tag"] == ["zebra"]
    monkeypatch.setattr(suggestions, "MOST_TEXTS", 3)
    assert len(suggestions.read_texts(store)[0]) == 3
    monkeypatch.setattr(item_sample, "SAMPLE", 4)
    monkeypatch.setattr(item_sample, "STEP", 2)
    assert suggestions.read_texts(store)[1] is False
