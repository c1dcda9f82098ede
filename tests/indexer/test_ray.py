"""Runs on a Ray cluster of two nodes, which are processes of this machine."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ClusterError, UsageError
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.ray.cluster import ENVIRONMENT, connect
from omnisearch_indexer.ray.executor import ray_executor
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures
from tests.indexer.conftest import points_of, write_good, write_hostile
from tests.indexer.mixed_files import write_mixed

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ray = pytest.importorskip("ray", reason="the package ray is not installed")

FILES = 200
STORE_BYTES = 100 << 20


class TwoNodes:
    """A cluster of two nodes of one processor each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        self.cluster: Any = Cluster(initialize_head=True, head_node_args=node)
        self.second: Any = self.add()

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    @property
    def executor(self) -> Any:
        return partial(ray_executor, address=self.address)

    def kill_second(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)

    def kill_actor(self, name: str) -> None:
        """Kill an actor on the first node, because the second one is killed later."""
        while not self.actors(name):
            time.sleep(0.1)
        os.kill(self.actors(name)[0], signal.SIGKILL)

    def actors(self, name: str) -> list[int]:
        """The processes of the actors of a class on the first node."""
        raylet = self.cluster.head_node.all_processes["raylet"][0].process.pid
        pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
        return [pid for pid in pids if is_actor(pid, raylet, name)]


def is_actor(pid: int, raylet: int, name: str) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_text()
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return False
    return title.startswith(f"ray::{name}") and int(parent) == raylet


class Kills:
    """A meter that calls each function once so many files are done."""

    def __init__(self, steps: list[tuple[int, Callable[[], None]]]) -> None:
        self.done, self.steps = 0, steps

    def start(self, total: int, files: int = 0) -> None:
        pass

    def advance(self, count: int, files: int = 0) -> None:
        self.done += files
        while self.steps and self.done >= self.steps[0][0]:
            self.steps.pop(0)[1]()


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("RAY_AUTH_MODE", "disabled")
        made = TwoNodes()
        yield made
        made.cluster.shutdown()


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
    nodes: TwoNodes, tmp_path: Path, settings: Settings, ray_settings: Settings
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
    nodes: TwoNodes, mixed: Path, indexed: Settings, ray_settings: Settings
) -> None:
    kills = Kills(
        [
            (FILES // 10, lambda: nodes.kill_actor("DecoderActor")),
            (FILES // 5, lambda: nodes.kill_actor("EncoderActor")),
            (FILES // 2, nodes.kill_second),
        ]
    )
    try:
        report = index_files([mixed], ray_settings, meter=kills, open_executor=nodes.executor)
    finally:
        nodes.second = nodes.add()
    assert kills.steps == []
    assert (report.failed, report.outcomes[Outcome.NEW]) == (0, FILES)
    assert_same(indexed, ray_settings)


def test_a_killed_head_goes_on(nodes: TwoNodes, mixed: Path, indexed: Settings, ray_settings: Settings) -> None:
    command = [sys.executable, "-m", "omnisearch", "index", mixed, "--engine", "ray", "--address", nodes.address]
    command += ["--model", ray_settings.model, "--data-dir", ray_settings.data_dir]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as head:
        while head.poll() is None and not files_of(ray_settings):
            time.sleep(0.1)
        head.kill()
        said = head.stderr.read().decode() if head.stderr else ""
    before = files_of(ray_settings)
    assert 0 < before < FILES, said
    while nodes.actors("DecoderActor"):  # those of the killed run end with it
        time.sleep(0.1)
    report = index_files([mixed], ray_settings, open_executor=nodes.executor)
    assert (report.failed, report.outcomes[Outcome.UNCHANGED]) == (0, before)
    assert_same(indexed, ray_settings)


def files_of(settings: Settings) -> int:
    """The number of indexed files."""
    place = settings.data_dir / MANIFEST_FILE
    if not place.exists():
        return 0
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as manifest:
        try:
            return int(manifest.execute("SELECT count(*) FROM files WHERE item_id IS NOT NULL").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


def test_an_address_without_a_cluster_is_an_error() -> None:
    with pytest.raises(ClusterError, match=r"127\.0\.0\.1:1:.*ray start --head"), connect("127.0.0.1:1"):
        pass
    with pytest.raises(UsageError, match="--address auto"), connect("ray://127.0.0.1:1"):
        pass
