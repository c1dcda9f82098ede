"""A Ray cluster whose nodes are processes of this machine, and what kills parts of a run on it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import Settings
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.ray.cluster import ENVIRONMENT
from omnisearch_indexer.ray.executor import ray_executor

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}
POLL_SECONDS = 0.1


class RayNodes:
    """A cluster of one node of one processor; `add` adds the second one."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster: Any = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        self._second: Any = None

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    @property
    def executor(self) -> Any:
        return partial(ray_executor, address=self.address)

    def add(self) -> None:
        self._second = self._cluster.add_node(**NODE)

    def kill_second(self) -> None:
        self._cluster.remove_node(self._second, allow_graceful=False)

    def kill_actor(self, name: str) -> None:
        """Kill an actor on the first node, because the second one is killed later."""
        while not self.actors(name):
            time.sleep(POLL_SECONDS)
        os.kill(self.actors(name)[0], signal.SIGKILL)

    def actors(self, name: str) -> list[int]:
        """The processes of the actors of a class on the first node."""
        raylet = self._cluster.head_node.all_processes["raylet"][0].process.pid
        pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
        return [pid for pid in pids if _is_actor(pid, raylet, name)]

    def close(self) -> None:
        self._cluster.shutdown()


@contextmanager
def ray_nodes() -> Iterator[RayNodes]:
    """A cluster of one node."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "RAY_AUTH_MODE": "disabled"}.items():
            patch.setenv(name, value)
        with closing(RayNodes()) as made:
            yield made


class Kills:
    """A meter that calls each function once so many files are done."""

    def __init__(self, steps: list[tuple[int, Callable[[], None]]]) -> None:
        self.done, self.steps = 0, steps

    @classmethod
    def of_actors_and_a_node(cls, nodes: RayNodes, files: int) -> "Kills":
        """Kill a decoder, an encoder and the second node in a run over so many files."""
        return cls(
            [
                (files // 10, lambda: nodes.kill_actor("DecoderActor")),
                (files // 5, lambda: nodes.kill_actor("EncoderActor")),
                (files // 2, nodes.kill_second),
            ]
        )

    def start(self, total: int, files: int = 0) -> None:
        pass

    def advance(self, count: int, files: int = 0) -> None:
        self.done += files
        while self.steps and self.done >= self.steps[0][0]:
            self.steps.pop(0)[1]()


def run_and_kill_head(nodes: RayNodes, folder: Path, settings: Settings, files: int) -> int:
    """Kill `omnisearch index` with SIGKILL once it has indexed `files` files. Returns the number of indexed files."""
    command = [sys.executable, "-m", "omnisearch", "index", folder, "--engine", "ray", "--address", nodes.address]
    command += ["--model", settings.model, "--data-dir", settings.data_dir]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as head:
        while head.poll() is None and files_of(settings) < files:
            time.sleep(POLL_SECONDS)
        head.kill()
        said = head.stderr.read().decode() if head.stderr else ""
    assert head.returncode == -signal.SIGKILL, said
    while nodes.actors("DecoderActor"):  # those of the killed run end with it
        time.sleep(POLL_SECONDS)
    return files_of(settings)


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


def _is_actor(pid: int, raylet: int, name: str) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_text()
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return False
    return title.startswith(f"ray::{name}") and int(parent) == raylet
