"""Both methods of search against brute force, in memory of blocks."""

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnisearch.errors import UsageError, VectorError
from omnisearch_training import nearest as module
from omnisearch_training.nearest import Method, nearest

METHODS: tuple[Method, ...] = ("faiss", "int8")


def brute(queries: np.ndarray, targets: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = (queries.astype(np.float64) @ targets.astype(np.float64).T).astype(np.float32)
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return ids, np.take_along_axis(scores, ids, axis=1)


def unit(seed: int, n: int, dim: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


SIZES = {"odd": (5, 7, (3, 4), 3), "mid": (64, 50, (17, 33), 8), "real": (16384, 8192, (1024, 4096), 32)}


@pytest.fixture(params=SIZES)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(("QUERIES", "TARGETS", "TILE", "GROUP"), SIZES[request.param], strict=True):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [1, 3, 16])
def test_the_answers_are_those_of_brute_force(method: Method, k: int) -> None:
    queries, targets = unit(0, 41, 24), unit(1, 203, 24)
    ids, scores = nearest(queries, targets, k, method)
    wanted_ids, wanted = brute(queries, targets, k)
    np.testing.assert_array_equal(ids, wanted_ids)
    np.testing.assert_allclose(scores, wanted, rtol=1e-6)
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("method", METHODS)
def test_equal_targets_come_by_id(method: Method) -> None:
    few = unit(2, 3, 16)
    targets = few[np.random.default_rng(3).integers(0, 3, 150)]  # far more copies than candidates
    ids, scores = nearest(few, targets, 9, method)
    np.testing.assert_array_equal(ids, brute(few, targets, 9)[0])
    assert all((scores == scores[:, :1]).ravel())


@pytest.mark.parametrize("method", METHODS)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 6),
    m=st.integers(1, 60),
    dim=st.integers(1, 9),
    k=st.integers(1, 12),
    tile=st.integers(4, 70),
    group=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_small_integers_full_of_ties(
    method: Method, seed: int, n: int, m: int, dim: int, k: int, tile: int, group: int
) -> None:
    draw = np.random.default_rng(seed)
    queries = draw.integers(-2, 3, (n, dim)).astype(np.float32)
    targets = draw.integers(-2, 3, (m, dim)).astype(np.float32)
    with pytest.MonkeyPatch.context() as sizes:
        sizes.setattr(module, "TILE", (4, tile))
        sizes.setattr(module, "GROUP", group)
        ids, scores = nearest(queries, targets, k, method)
    wanted_ids, wanted = brute(queries, targets, k)
    kept = min(k, m)
    np.testing.assert_array_equal(ids[:, :kept], wanted_ids)
    np.testing.assert_array_equal(scores[:, :kept], wanted)
    assert (ids[:, kept:] == -1).all()
    assert (scores[:, kept:] == -np.inf).all()


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_closer_than_the_codes_can_tell(method: Method) -> None:
    """Targets that differ by less than a step of an 8-bit code, and by a few units in the last place of a float."""
    centre = unit(4, 1, 32)
    spread = np.repeat([1e-3, 1e-7], 100)[:, None].astype(np.float32)
    targets = centre + spread * np.random.default_rng(5).standard_normal((200, 32)).astype(np.float32)
    queries = np.concatenate([centre, unit(6, 4, 32)])
    np.testing.assert_array_equal(nearest(queries, targets, 5, method)[0], brute(queries, targets, 5)[0])


def test_one_long_target_coarsens_no_answer() -> None:
    """All targets of a block share a step, so that beside a row of length 1000 the codes of the others are zeros."""
    queries, targets = unit(14, 20, 16), unit(15, 90, 16)
    targets[40] *= 1000
    np.testing.assert_array_equal(nearest(queries, targets, 3, "int8")[0], brute(queries, targets, 3)[0])


def test_the_index_of_faiss_agrees() -> None:
    queries, targets = unit(7, 50, 48), unit(8, 400, 48)
    index = faiss.IndexFlatIP(48)
    index.add(targets)
    scores, ids = index.search(queries, 4)
    for method in METHODS:
        found_ids, found = nearest(queries, targets, 4, method)
        np.testing.assert_array_equal(found_ids, ids)
        np.testing.assert_allclose(found, scores, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_memory_maps_are_read_in_blocks(method: Method, dtype: type, tmp_path: Path) -> None:
    np.save(tmp_path / "targets.npy", unit(9, 300, 20).astype(dtype))
    targets = np.load(tmp_path / "targets.npy", mmap_mode="r")
    queries = unit(10, 30, 20).astype(dtype)
    np.testing.assert_array_equal(nearest(queries, targets, 3, method)[0], brute(queries, targets, 3)[0])


@pytest.mark.parametrize("method", METHODS)
def test_both_give_the_very_same_numbers(method: Method) -> None:
    queries, targets = unit(11, 64, 96), unit(12, 500, 96)
    first, second = (nearest(queries, targets, 6, m) for m in METHODS)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_searched(method: Method) -> None:
    rows = unit(13, 9, 4)
    with pytest.raises(UsageError, match="k = 0"):
        nearest(rows, rows, 0, method)
    with pytest.raises(UsageError, match="one width"):
        nearest(rows, rows[:, :3], 1, method)
    broken = rows.copy()
    broken[6, 2] = np.nan
    with pytest.raises(VectorError, match="row 6 of 9"):
        nearest(rows, broken, 1, method)
    ids, scores = nearest(rows, rows[:0], 2, method)
    assert (ids == -1).all()
    assert (scores == -np.inf).all()
