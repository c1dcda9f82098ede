"""Budgets: what the files of a query may cost, and who waits for whom."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import QueryError, StoppedError
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import ItemRef, Sum, Term
from omnisearch.search.index import Unindexed
from omnisearch.search.plan import embed, shared_encoding
from omnisearch.search.plan.budget import Budget
from omnisearch.search.plan.embed import Embedder
from omnisearch.types import Modality, Role, Stretch

RATE = 8000
SEGMENTS = 12  # in 98 seconds, each of 10 that share 2 with the next


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(load_settings(), workers=1) as pool:
        yield pool


@pytest.fixture
def index(hashed_model: Path) -> Unindexed:
    return Unindexed(OmniBind.load(str(hashed_model), load_settings()))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "rising.wav"
    seconds = np.arange(98 * RATE) / RATE
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * (100 + 10 * seconds) * seconds), RATE)
    return path


def _while_encoding(index: Unindexed, monkeypatch: pytest.MonkeyPatch, do: Callable[[Modality, int], None]) -> None:
    """Call `do` with the modality and the number of contents before each call of the towers."""
    encode = index.model.encode_spaces

    def encoding(modality: Modality, contents: list[Any], role: Role, share: float) -> object:
        do(modality, len(contents))
        return encode(modality, contents, role, share)

    monkeypatch.setattr(index.model, "encode_spaces", encoding)


@pytest.mark.parametrize("part", [None, Stretch(0, 60.5)])
def test_a_long_file_is_refused_with_the_way_out(
    pool: DecoderPool, index: Unindexed, sound: Path, part: Stretch
) -> None:
    term = Term(sound, label="rising.wav", slice=part)
    with pytest.raises(QueryError, match=rf"rising\.wav\S* lasts {60 if part else 98} seconds.* may last 60.*slice"):
        Embedder(pool).embed(index, [term], budget=Budget(seconds=60))
    assert Embedder(pool).embed(index, [Term(sound, slice=Stretch(30, 90))], budget=Budget(seconds=60))


def test_a_long_file_is_refused_before_it_is_encoded_and_gives_its_decoder_back(
    pool: DecoderPool, index: Unindexed, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    _while_encoding(index, monkeypatch, lambda _, count: calls.append(count))
    held = []  # with their tracebacks, which keep what the frames of the calls held
    for _ in range(3):
        with pytest.raises(QueryError) as refused:
            Embedder(pool).embed(index, [Term(sound)], budget=Budget(seconds=60))
        held.append(refused.value)
    assert calls == []


def test_media_are_encoded_a_few_at_a_time_and_mean_the_same(
    pool: DecoderPool, index: Unindexed, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    _while_encoding(index, monkeypatch, lambda _, count: calls.append(count))
    few = Embedder(pool).embed(index, [Term(sound)])[Term(sound)]
    assert (sum(calls), max(calls)) == (SEGMENTS, shared_encoding.MEDIA_AT_ONCE)
    monkeypatch.setattr(shared_encoding, "MEDIA_AT_ONCE", 100)
    once = Embedder(pool).embed(index, [Term(sound)])[Term(sound)]
    assert calls[-1] == SEGMENTS
    np.testing.assert_allclose(few.vector, once.vector, atol=1e-6)


def test_encoding_ends_when_it_is_stopped(
    pool: DecoderPool, index: Unindexed, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    calls: list[int] = []

    def stopping(_: Modality, count: int) -> None:
        calls.append(count)
        if len(calls) == 2:
            stop.set()

    _while_encoding(index, monkeypatch, stopping)
    with pytest.raises(StoppedError):
        Embedder(pool).embed(index, [Term(sound)], budget=Budget(stop.is_set))
    assert len(calls) == 2
    with pytest.raises(StoppedError):
        Embedder(pool).embed(index, [Term(sound)], budget=Budget(stop.is_set))
    assert len(calls) == 2


def test_texts_and_other_files_go_on_while_a_file_is_encoded(
    pool: DecoderPool, index: Unindexed, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding, go = threading.Event(), threading.Event()

    def wait(modality: Modality, _: int) -> None:
        if modality is Modality.AUDIO:
            encoding.set()
            go.wait(60)

    monkeypatch.setattr(embed, "QUERY_SEGMENTS", SEGMENTS // 2)  # the file is not read to its end
    _while_encoding(index, monkeypatch, wait)
    embedder = Embedder(pool)
    media = threading.Thread(target=embedder.embed, args=(index, [Term(sound)]))
    media.start()
    try:
        assert encoding.wait(60)
        text = threading.Thread(target=embedder.embed, args=(index, [Term("a dog")]))
        text.start()
        text.join(30)
        assert not text.is_alive()
        assert len(list(pool.decode(sound).pieces)) == SEGMENTS  # its only decoder is free again
        assert media.is_alive()
    finally:
        go.set()
        media.join(60)


def test_what_is_read_from_a_file() -> None:
    item, part = ItemRef("a"), Stretch(0, 1)
    terms = [Term("a"), Term((1.0,)), Term(item), Term(ItemRef("a", 2)), Term(Path("a")), Term(item, slice=part)]
    assert [term.reads_file for term in Sum(tuple(terms)).terms] == [False, False, False, False, True, True]
