"""What the doctor finds: a well index, none, one of another model, and a lossy search."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omnisearch.binding.background import ENOUGH
from omnisearch.config import Settings
from omnisearch.media.sandbox import Layer
from omnisearch.media.worker_process import Limits, WorkerProcess
from omnisearch.stores.base import Filter, Lookup, Payload, Point, Scored
from omnisearch.stores.place import Place
from omnisearch.types import Floats, Modality
from omnisearch_indexer.check_result import CheckResult, CheckState
from omnisearch_indexer.doctor import Doctor
from omnisearch_indexer.index_quality import recall, recalls, similarity
from omnisearch_indexer.session import index_files
from tests.conftest import write_hashed_model
from tests.indexer.conftest import write_image, write_sound
from tests.stores.fake_server import FakeServer, running


@pytest.fixture
def indexed(settings: Settings, tmp_path: Path) -> Settings:
    media = [write_image(tmp_path / f"{n}.png", seed=n) for n in range(3)] + [write_sound(tmp_path / "a.wav")]
    assert not index_files(media, settings).failed
    return settings


def examine(settings: Settings) -> dict[str, CheckResult]:
    return {each.check: each for each in Doctor(settings).findings()}


def test_a_well_index_fails_no_check(indexed: Settings) -> None:
    found = examine(indexed)
    assert [each for each in found.values() if each.state is CheckState.FAIL] == []
    assert found["recall"].value.startswith("image 1.000, audio 1.000 of the exact ten nearest (embedded")
    assert found["calibration"].state is CheckState.WARN  # so few items are no background


def test_without_an_index_that_is_said_once_and_what_to_do(settings: Settings) -> None:
    failed = [each for each in examine(settings).values() if each.state is CheckState.FAIL]
    assert {each.exit_code for each in failed} == {4}
    assert "omnisearch index" in failed[0].value
    assert len({each.value for each in failed}) == len(failed)
    assert not settings.data_dir.exists()


def test_an_index_of_another_model_is_not_ready(indexed: Settings, tmp_path: Path) -> None:
    other = indexed.model_copy(update={"model": str(write_hashed_model(tmp_path / "other", "other"))})
    found = examine(other)
    assert found["index"].state is CheckState.FAIL
    assert found["index"].exit_code == 4


def test_the_layers_of_the_sandbox_are_listed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Decoder:
        layers: Sequence[Layer] = ()

        def __init__(self, limits: Limits) -> None:
            pass

        def stop(self) -> int:
            return 0

    real = WorkerProcess(Limits())
    real.stop()
    assert all(layer.name in examine(settings)["sandbox"].value for layer in real.layers)

    monkeypatch.setattr("omnisearch_indexer.doctor.WorkerProcess", Decoder)
    on = Layer("landlock", True, "ABI 7"), Layer("seccomp", True, "sockets")
    off = Layer("network_namespace", False, "Operation not permitted")
    Decoder.layers = (off, *on)
    found = examine(settings)["sandbox"]
    assert (found.state, found.way_out) == (CheckState.OK, "")
    assert found.value.endswith("without network_namespace: Operation not permitted")
    Decoder.layers = (Layer("landlock", False, "Function not implemented"), on[1])
    found = examine(settings)["sandbox"]
    assert found.state is CheckState.WARN
    assert "without landlock: Function not implemented" in found.value
    assert "a separate user" in found.way_out


class Store:
    """Points in memory by modality, and a search that finds only every `skips`-th of the nearest."""

    dim = 16

    def __init__(self, rows: Mapping[Modality, Floats], skips: Mapping[Modality, int]) -> None:
        self.rows, self.skips = rows, skips

    def scroll(self, chosen: Filter, with_vectors: bool = False) -> Iterator[Point]:
        assert with_vectors
        return (
            Point(str(n), row, Payload(item_id=str(n), modality=m, path=""))
            for m in chosen.modalities
            for n, row in enumerate(self.rows[m])
        )

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        found = []
        for lookup in lookups:
            (modality,) = lookup.filter.modalities
            scores = self.rows[modality] @ lookup.vector
            order = np.argsort(-scores)[:: self.skips[modality]][: lookup.limit]
            found.append([Scored(str(i), float(scores[i]), Place(str(i), 0, 1, modality, "")) for i in order])
        return found


def test_recall_counts_what_a_search_misses_of_each_modality() -> None:
    sizes = {Modality.TEXT: 300, Modality.IMAGE: 200, Modality.AUDIO: 4}  # fewer than ten: all of them
    random = np.random.default_rng(0)
    rows = {m: random.normal(size=(n, Store.dim)).astype(np.float32) for m, n in sizes.items()}
    rows = {m: each / np.linalg.norm(each, axis=1, keepdims=True) for m, each in rows.items()}
    store = Store(rows, {Modality.TEXT: 1, Modality.IMAGE: 5, Modality.AUDIO: 2})
    found = recall(store, lambda m: rows.get(m, np.empty((0, Store.dim), np.float32)))  # type: ignore[arg-type]
    assert found == pytest.approx({Modality.TEXT: 1, Modality.IMAGE: 0.2, Modality.AUDIO: 0.5})
    whole = Store(rows, dict.fromkeys(sizes, 1))
    both = recalls([store, whole], lambda m: rows.get(m, np.empty((0, Store.dim), np.float32)))  # type: ignore[list-item]
    assert both == [found, dict.fromkeys(sizes, 1)]


def test_a_server_is_asked_in_its_own_words(settings: Settings, tmp_path: Path) -> None:
    """What is sent is read by the models that the client has made from the server's OpenAPI description."""
    with running(FakeServer()) as fake:
        served = settings.model_copy(update={"store": fake.url})
        assert not index_files([write_image(tmp_path / f"{n}.png", seed=n) for n in range(3)], served).failed
        fake.requests.clear()
        found = examine(served)
        assert (
            found["recall"].value == "image 1.000 of the exact ten nearest (a server, approximate above its threshold)"
        )
        assert {line.rsplit("/points/")[-1] for line in fake.requests if "/points/" in line} == {
            "count",
            "query/batch",
            "scroll",
        }


def test_the_cost_of_a_quantization_is_measured(settings: Settings, tmp_path: Path) -> None:
    with running(FakeServer()) as fake:
        served = settings.model_copy(update={"store": fake.url, "store_quantization": "int8"})
        assert not index_files([write_image(tmp_path / f"{n}.png", seed=n) for n in range(3)], served).failed
        found = examine(served)["recall"]
    assert found.value.endswith("above its threshold); without its quantization image 1.000")
    assert found.state is CheckState.OK


@pytest.mark.parametrize(
    ("unquantized", "advice"), [(0.97, "set store_quantization to int8"), (0.9, "raise ef_construct")]
)
def test_a_low_recall_is_blamed_on_what_causes_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unquantized: float, advice: str
) -> None:
    shares = [{Modality.IMAGE: 0.9}, {Modality.IMAGE: unquantized}]
    monkeypatch.setattr("omnisearch_indexer.index_quality.recalls", lambda stores, sample: shares[: len(stores)])
    with running(FakeServer()) as fake:
        served = settings.model_copy(update={"store": fake.url, "store_quantization": "binary"})
        assert not index_files([write_image(tmp_path / "1.png")], served).failed
        found = examine(served)["recall"]
    assert found.state is CheckState.WARN
    assert advice in found.way_out


def test_likeness_is_the_mean_over_all_pairs() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [float(rows[i] @ rows[j]) for i in range(9) for j in range(i)]
    assert similarity(rows) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert similarity(rows[:1]) is None


def test_a_collection_in_which_everything_is_alike_is_reported(settings: Settings, tmp_path: Path) -> None:
    """Its sample has one distinct item."""
    for side in range(20, 20 + ENOUGH):
        Image.new("RGB", (side, side), (200, 20, 20)).save(tmp_path / f"{side}.png")
    assert not index_files([tmp_path], settings).failed
    spread = examine(settings)["spread"]
    assert (spread.state, spread.value[:10]) == (CheckState.WARN, "image 0.95")
