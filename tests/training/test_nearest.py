"""Both methods of search against brute force, in memory of blocks."""

from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omnisearch.errors import UsageError, VectorError
from omnisearch_training.stages import nearest as module
from omnisearch_training.stages.nearest import Method, nearest

METHODS: tuple[Method, ...] = ("faiss", "int8")


def brute(queries: np.ndarray, targets: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = (queries.astype(np.float64) @ targets.astype(np.float64).T).astype(np.float32)
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return ids, np.take_along_axis(scores, ids, axis=1)


def unit(seed: int, n: int, dim: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def int8_for_few_queries_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 0)


SIZES = {"odd": (11, 13, 3, 3), "mid": (64, 50, 17, 8), "real": (16384, 4096, 1024, 32)}


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
        sizes.setattr(module, "TARGETS", tile)
        sizes.setattr(module, "TILE", 4)
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


def hard(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return queries and targets that 8-bit codes tell apart badly or not at all."""
    queries, targets = unit(20, 60, 32), unit(21, 300, 32)
    centres = unit(22, 10, 32)
    draw = np.random.default_rng(23)
    if name == "clustered":
        targets = centres[draw.integers(0, 10, 300)] + 0.01 * targets
    elif name == "copies":
        targets[150:] = targets[:150]  # the copy lies in another block
        queries[:30] = targets[:30]
    elif name == "zeros":
        targets[::3], queries[::4] = 0, 0
    elif name == "one huge coordinate":
        targets[7, 3], queries[5, 3] = 1e6, -1e6
    elif name == "all equal":
        queries[:], targets[:] = centres[0], centres[1]
    elif name == "all scores negative":
        queries, targets = np.abs(queries), -np.abs(targets)
    elif name == "tiny and large":
        targets *= 10.0 ** draw.integers(-12, 6, (300, 1)).astype(np.float32)
    elif name == "beyond float32":
        queries[:3], targets[:200] = 1e30 * queries[:3], 1e10 * targets[:200]
    return queries, targets


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("k", [pytest.param(1, marks=pytest.mark.slow), 16])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name",
    [
        "clustered",
        "copies",
        "zeros",
        "one huge coordinate",
        "all equal",
        "all scores negative",
        "tiny and large",
        "beyond float32",
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")  # of brute force in these tests
def test_hard_rows(name: str, method: Method, k: int) -> None:
    queries, targets = hard(name)
    ids, scores = nearest(queries, targets, k, method)
    wanted_ids, wanted = brute(queries, targets, k)
    np.testing.assert_array_equal(ids, wanted_ids)
    np.testing.assert_allclose(scores, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("k", [1, 5])
def test_the_codes_rule_most_pairs_out(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 600 targets a query scores few, and only of those blocks that it cannot thin out are multiplied whole."""
    scored = []
    inner = module._inner
    monkeypatch.setattr(module, "DENSE", 1.0)
    monkeypatch.setattr(module, "TARGETS", 192)
    monkeypatch.setattr(module, "_inner", lambda q, x, rows, at: scored.append(len(rows)) or inner(q, x, rows, at))
    queries, targets = unit(24, 50, 64), unit(25, 600, 64)
    np.testing.assert_array_equal(nearest(queries, targets, k, "int8")[0], brute(queries, targets, k)[0])
    assert 50 * k <= sum(scored) < 50 * 600 / 5


@given(seed=st.integers(0, 2**32 - 1), dim=st.integers(1, 40), spread=st.floats(0, 6), shared=st.booleans())
@settings(max_examples=60, deadline=None)
def test_codes_are_off_by_no_more_than_they_say(seed: int, dim: int, spread: float, shared: bool) -> None:
    draw = np.random.default_rng(seed)
    rows = (draw.standard_normal((5, dim)) * 10.0 ** (spread * draw.standard_normal((5, 1)))).astype(np.float32)
    found = module._quantise(torch.from_numpy(rows), shared)
    restored = found.codes.double()[:, :dim] * found.steps.double()
    rests = np.linalg.norm(rows - restored.numpy(), axis=1)
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    assert (rests <= found.rests.numpy() * 1.001 + 4e-7 * norms).all()
    np.testing.assert_allclose(found.norms, norms, rtol=1e-5)
    assert (rests <= found.steps[:, 0].numpy() / 2 * dim**0.5 * 1.001 + 1e-6 * norms).all()


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
    with pytest.raises(UsageError, match="equal widths"):
        nearest(rows, rows[:, :3], 1, method)
    broken = rows.copy()
    broken[6, 2] = np.nan
    with pytest.raises(VectorError, match="row 6 of 9"):
        nearest(rows, broken, 1, method)
    ids, scores = nearest(rows, rows[:0], 2, method)
    assert (ids == -1).all()
    assert (scores == -np.inf).all()
