"""Runs on a Ray cluster of two nodes, which are processes of this machine."""

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ClusterError, UsageError
from omnisearch_indexer.ray.cluster import connect
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures
from tests.indexer.conftest import points_of, write_good, write_hostile
from tests.indexer.mixed_files import write_mixed
from tests.indexer.ray_nodes import Kills, RayNodes, ray_nodes, run_and_kill_head

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ray = pytest.importorskip("ray", reason="the package ray is not installed")

FILES = 200


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with ray_nodes() as made:
        made.add()
        yield made


@pytest.fixture
def ray_settings(settings: Settings, tmp_path: Path) -> Settings:
    """The same settings with another folder, and as many decoders as the cluster has places for."""
    return load_settings(model=settings.model, data_dir=tmp_path / "ray")


def assert_same(one: Settings, other: Settings) -> None:
    first, second = points_of(one), points_of(other)
    assert first.keys() == second.keys()
    for key, point in first.items():
        assert np.abs(point.vector - second[key].vector).max() <= 1e-6
        assert point.payload == second[key].payload
    fails = [sorted((row["path"], row["reason"]) for row in read_failures(s, True)) for s in (one, other)]
    assert fails[0] == fails[1]


def test_it_indexes_as_one_machine_does(
    nodes: RayNodes, tmp_path: Path, settings: Settings, ray_settings: Settings
) -> None:
    write_good(tmp_path / "files")
    write_hostile(tmp_path / "files" / "bad")
    handler = signal.getsignal(signal.SIGTERM)
    here = index_files([tmp_path / "files"], settings)
    there = index_files([tmp_path / "files"], ray_settings, open_executor=nodes.executor)
    assert_same(settings, ray_settings)
    assert {**here.fields(), "seconds": 0} == {**there.fields(), "seconds": 0}
    assert signal.getsignal(signal.SIGTERM) == handler  # Ray has its own


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    write_mixed(folder, FILES)
    return folder


@pytest.fixture(scope="module")
def indexed(mixed: Path, hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The index of one machine."""
    made = load_settings(model=str(hashed_model), data_dir=tmp_path_factory.mktemp("plain"), workers=2)
    assert index_files([mixed], made).failed == 0
    return made


def test_killed_actors_and_a_killed_node_cost_nothing(
    nodes: RayNodes, mixed: Path, indexed: Settings, ray_settings: Settings
) -> None:
    kills = Kills.of_actors_and_a_node(nodes, FILES)
    try:
        report = index_files([mixed], ray_settings, meter=kills, open_executor=nodes.executor)
    finally:
        nodes.add()
    assert kills.steps == []
    assert (report.failed, report.outcomes[Outcome.NEW]) == (0, FILES)
    assert_same(indexed, ray_settings)


def test_a_killed_head_goes_on(nodes: RayNodes, mixed: Path, indexed: Settings, ray_settings: Settings) -> None:
    before = run_and_kill_head(nodes, mixed, ray_settings, 1)
    assert 0 < before < FILES
    report = index_files([mixed], ray_settings, open_executor=nodes.executor)
    assert (report.failed, report.outcomes[Outcome.UNCHANGED]) == (0, before)
    assert_same(indexed, ray_settings)


def test_an_address_without_a_cluster_is_an_error() -> None:
    with pytest.raises(ClusterError, match=r"127\.0\.0\.1:1:.*ray start --head"), connect("127.0.0.1:1"):
        pass
    with pytest.raises(UsageError, match="--address auto"), connect("ray://127.0.0.1:1"):
        pass
