"""The raw embeddings of every space: what was flushed is there, whatever happens next."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnisearch.errors import BusyError, DamageError, StoreError, VectorError
from omnisearch.stores import embeddings, validation
from omnisearch.stores.embeddings import SpaceEmbeddingStore, set_aside
from omnisearch.types import Floats, Modality

CLIP, CLAP = "clip@0123", "clap@4567"
IMAGE, AUDIO = Modality.IMAGE, Modality.AUDIO


def rows(n: int, dim: int = 5, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SpaceEmbeddingStore]:
    with closing(SpaceEmbeddingStore(tmp_path / "embeddings")) as opened:
        yield opened


def test_rows_come_back_by_key_in_any_order(store: SpaceEmbeddingStore) -> None:
    kept = rows(4)
    store.put(CLIP, IMAGE, ["a", "b", "c", "ü"], kept)
    got, present = store.get(CLIP, IMAGE, ["ü", "x", "a", "a"])
    np.testing.assert_array_equal(got, np.stack([kept[3], np.zeros(5), kept[0], kept[0]]))
    assert present.tolist() == [True, False, True, True]
    assert got.dtype == np.float32
    assert store.keys(CLIP, IMAGE) == ["a", "b", "c", "ü"]


def test_spaces_and_modalities_are_apart(store: SpaceEmbeddingStore) -> None:
    for n, (space, modality) in enumerate([(CLIP, IMAGE), (CLIP, AUDIO), (CLAP, AUDIO), ("clip@4567", IMAGE)]):
        store.put(space, modality, ["a"], rows(1, dim=3 + n, seed=n))
    assert [store.get(s, m, ["a"])[0].shape for s, m in [(CLIP, IMAGE), (CLIP, AUDIO), (CLAP, AUDIO)]] == [
        (1, 3),
        (1, 4),
        (1, 5),
    ]
    got, present = store.get(CLAP, IMAGE, ["a", "b"])
    assert (got.shape, present.tolist()) == ((2, 0), [False, False])
    assert store.keys(CLAP, IMAGE) == []


def test_a_zero_row_is_a_row(store: SpaceEmbeddingStore) -> None:
    store.put(CLIP, IMAGE, ["a"], np.zeros((1, 5), np.float32))
    got, present = store.get(CLIP, IMAGE, ["a"])
    assert present.all()
    assert not got.any()


@pytest.mark.parametrize(
    ("keys", "bad"),
    [
        (["a", "b"], rows(1)),
        (["a"], rows(1)[0]),
        (["a"], rows(1, dim=0)),
        (["a"], rows(1, dim=6)),
        (["a"], np.full((1, 5), np.nan, np.float32)),
        (["a"], np.full((1, 5), np.inf, np.float32)),
    ],
    ids=["count", "a vector", "no width", "width", "nan", "infinite"],
)
def test_rows_that_mean_nothing_are_refused(store: SpaceEmbeddingStore, keys: list[str], bad: Floats) -> None:
    store.put(CLIP, IMAGE, ["first"], rows(1))
    with pytest.raises(VectorError):
        store.put(CLIP, IMAGE, keys, bad)
    assert store.keys(CLIP, IMAGE) == ["first"]


def test_rows_that_are_there_already_are_not_written_again(store: SpaceEmbeddingStore) -> None:
    for _ in range(3):
        store.put(CLIP, IMAGE, ["a", "b", "c"], rows(3))
        store.flush()
    [file] = store.directory.glob("*.f32")
    assert file.stat().st_size == 3 * 5 * 4


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(st.integers(0, 9), max_size=6), st.integers(0, 99)),
        st.tuples(st.just("delete"), st.lists(st.integers(0, 9), max_size=3), st.just(0)),
        st.tuples(st.just("flush"), st.just([]), st.just(0)),
        st.tuples(st.just("crash"), st.just([]), st.just(0)),
    ),
    max_size=30,
)


@given(operations=OPERATIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_is_a_dictionary_that_a_crash_takes_back_to_the_last_flush(
    operations: list[tuple[str, list[int], int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("embeddings")
    store, model, durable = SpaceEmbeddingStore(directory), dict[str, Floats](), dict[str, Floats]()
    for do, numbers, seed in operations:
        keys = [str(n) for n in numbers]
        if do == "put":
            fresh = rows(len(keys), seed=seed)
            store.put(CLIP, IMAGE, keys, fresh)
            model.update(zip(keys, fresh, strict=True))
        elif do == "delete":
            store.delete(keys)
            model = {key: row for key, row in model.items() if key not in keys}
        elif do == "flush":
            store.flush()
            durable = dict(model)
        else:
            store.close()
            store, model = SpaceEmbeddingStore(directory), dict(durable)
        got, present = store.get(CLIP, IMAGE, [str(n) for n in range(10)])
        assert {str(n) for n in np.flatnonzero(present)} == set(store.keys(CLIP, IMAGE)) == set(model)
        for key, row in model.items():
            np.testing.assert_array_equal(got[int(key)], row)
    store.close()


WRITER = """
import sys
from pathlib import Path
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.types import Modality
from tests.stores.test_embeddings import CLIP, rows
store, n = SpaceEmbeddingStore(Path(sys.argv[1])), 0
while True:
    store.put(CLIP, Modality.IMAGE, [f"{n}-{k}" for k in range(50)], rows(50, dim=64, seed=n))
    if n % 3 == 2:
        store.flush()
        print(n, flush=True)
    n += 1
"""


def test_a_killed_writer_loses_nothing_flushed_and_readers_read_on(store: SpaceEmbeddingStore) -> None:
    command = [sys.executable, "-c", WRITER, str(store.directory)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        flushed = -1
        for line in writer.stdout:
            flushed = int(line)
            got, present = store.get(CLIP, IMAGE, [f"{flushed}-{k}" for k in range(50)])
            assert present.all()
            np.testing.assert_array_equal(got, rows(50, dim=64, seed=flushed))
            if flushed > 12:
                writer.send_signal(signal.SIGKILL)
                break
    for n in range(flushed + 1):
        np.testing.assert_array_equal(
            store.get(CLIP, IMAGE, [f"{n}-{k}" for k in range(50)])[0], rows(50, dim=64, seed=n)
        )
    store.put(CLIP, IMAGE, ["after"], rows(1, dim=64, seed=777))
    store.flush()
    np.testing.assert_array_equal(store.get(CLIP, IMAGE, ["after"])[0], rows(1, dim=64, seed=777))


def test_a_torn_tail_is_cut_off(store: SpaceEmbeddingStore) -> None:
    store.put(CLIP, IMAGE, ["a"], rows(1))
    store.flush()
    [file] = store.directory.glob("*.f32")
    with file.open("ab") as handle:
        handle.write(b"seven b")
    with closing(SpaceEmbeddingStore(store.directory)) as again:
        again.put(CLIP, IMAGE, ["b"], rows(1, seed=1))
        again.flush()
        np.testing.assert_array_equal(again.get(CLIP, IMAGE, ["a", "b"])[0], np.concatenate([rows(1), rows(1, seed=1)]))
    assert file.stat().st_size == 2 * 5 * 4


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def zero(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + 20] = bytes(20)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda file: flip(file, 21), "ac"),
        (lambda file: zero(file, 20), "ac"),  # a row of zeros means something
        (lambda file: os.truncate(file, 30), "a"),
        (lambda file: os.truncate(file, 0), ""),
        (lambda file: file.unlink(), ""),
    ],
    ids=["flipped", "zeroed", "halved", "emptied", "deleted"],
)
def test_a_damaged_row_is_unknown_until_it_is_put_again(
    store: SpaceEmbeddingStore, damage: Callable[[Path], None], left: str
) -> None:
    kept = rows(3)
    store.put(CLIP, IMAGE, ["a", "b", "c"], kept)
    store.flush()
    [file] = store.directory.glob("*.f32")
    damage(file)
    with closing(SpaceEmbeddingStore(store.directory)) as again:
        got, present = again.get(CLIP, IMAGE, ["a", "b", "c"])
        assert [key for key, known in zip("abc", present, strict=True) if known] == list(left)
        np.testing.assert_array_equal(got, np.where(present[:, None], kept, 0))
        assert again.damaged() == 3 - len(left)
        assert again.is_complete() == (len(left) == 2)
        again.put(CLIP, IMAGE, ["a", "b", "c"], kept)
        again.flush()
        assert again.damaged() == 0
    with closing(SpaceEmbeddingStore(store.directory)) as again:
        np.testing.assert_array_equal(again.get(CLIP, IMAGE, ["a", "b", "c"])[0], kept)


def write_without_checksums(store: SpaceEmbeddingStore) -> Path:
    """Leave what a version before checksums has written; return the file of rows."""
    store.put(CLIP, IMAGE, ["a", "b", "c"], rows(3))
    store.flush()
    store.close()
    with closing(sqlite3.connect(store.directory / embeddings.INDEX_FILE)) as index:
        index.executescript("ALTER TABLE places DROP COLUMN sum; PRAGMA user_version = 0")
    [file] = store.directory.glob("*.f32")
    return file


def test_rows_of_a_version_without_checksums_get_them_with_the_next_write(store: SpaceEmbeddingStore) -> None:
    file = write_without_checksums(store)
    with closing(SpaceEmbeddingStore(store.directory)) as upgraded:
        np.testing.assert_array_equal(upgraded.get(CLIP, IMAGE, ["a", "b", "c"])[0], rows(3))
        upgraded.put(CLIP, IMAGE, ["d"], rows(1, seed=1))
        upgraded.flush()
        assert upgraded.damaged() == 0
    flip(file, 41)
    with closing(SpaceEmbeddingStore(store.directory)) as again:
        assert again.get(CLIP, IMAGE, ["a", "b", "c", "d"])[1].tolist() == [True, True, False, True]


def test_rows_that_a_version_without_checksums_has_lost_stay_lost(store: SpaceEmbeddingStore) -> None:
    os.truncate(write_without_checksums(store), 40)
    with closing(SpaceEmbeddingStore(store.directory)) as upgraded:
        assert upgraded.get(CLIP, IMAGE, ["a", "b", "c"])[1].tolist() == [True, True, False]
        upgraded.put(CLIP, IMAGE, ["d"], rows(1, seed=1))  # makes the file longer than the lost row
        upgraded.flush()
        assert upgraded.get(CLIP, IMAGE, ["a", "b", "c", "d"])[1].tolist() == [True, True, False, True]


@pytest.mark.parametrize("end", [slice(None), slice(4096)], ids=["all", "header"])
def test_a_damaged_index_names_the_way_out_and_a_new_one_begins_empty(store: SpaceEmbeddingStore, end: slice) -> None:
    store.put(CLIP, IMAGE, [str(n) for n in range(500)], rows(500))
    store.flush()
    store.close()
    place = store.directory / embeddings.INDEX_FILE
    data = bytearray(place.read_bytes())
    data[end] = bytes(len(data[end]))
    place.write_bytes(data)
    with pytest.raises(DamageError, match="omnisearch repair"), closing(SpaceEmbeddingStore(store.directory)) as opened:
        opened.damaged()
    assert set_aside(store.directory).exists()
    with closing(SpaceEmbeddingStore(store.directory)) as again:
        assert again.count() == 0
        again.put(CLIP, IMAGE, ["a"], rows(1))
        again.flush()
        np.testing.assert_array_equal(again.get(CLIP, IMAGE, ["a"])[0], rows(1))


def test_one_writes_at_a_time_and_others_read(store: SpaceEmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "BUSY_SECONDS", 0.1)
    store.put(CLIP, IMAGE, ["a"], rows(1))
    with closing(SpaceEmbeddingStore(store.directory)) as other:
        assert not other.get(CLIP, IMAGE, ["a"])[1].any()
        with pytest.raises(BusyError, match="another process is writing"):
            other.put(CLIP, IMAGE, ["b"], rows(1))
        store.flush()
        assert other.get(CLIP, IMAGE, ["a"])[1].all()
        other.put(CLIP, IMAGE, ["b"], rows(1))


def test_too_little_disk_is_refused(store: SpaceEmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "RESERVE", 1 << 60)
    with pytest.raises(StoreError, match="bytes free"):
        store.put(CLIP, IMAGE, ["a"], rows(1))
    assert not store.keys(CLIP, IMAGE)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "embeddings").write_text("in the way")
    with pytest.raises(StoreError, match="embeddings"):
        SpaceEmbeddingStore(tmp_path / "embeddings")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.sqlite").write_text("not a database " * 100)
    with pytest.raises(StoreError, match=r"damaged.*omnisearch repair"):
        SpaceEmbeddingStore(tmp_path / "other")
