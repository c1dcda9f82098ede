"""Indexing on a Ray cluster against one machine: python bench/ray_cluster.py --files 2000

Indexes small files of all kinds with a model without weights: on this machine with two decoders, on a Ray cluster of
one node, and of two nodes, which are processes of this machine with a processor each. The indexes must be equal: ids,
payloads, and vectors within 1e-6. All nodes share the processors of this machine, so the speed-up is at most that of
two processors, and other programs take part of it.

    rate       files a second, of the second half of the files: the actors have started then
    speed-up   the rate over that of the cluster of one node
    head       milliseconds of processor time per file in the process of the head
    a note     milliseconds to hash and decode a note, here and by an actor in turn, medians

With --kills, two more runs on two nodes must make the same index. In one, a decoder, an encoder and a node are killed.
In the other, the head (`omnisearch index`) is killed after a quarter of the files, and another run finishes its work.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.stores.base import Point
from omnisearch_indexer.executor import OpenExecutor
from omnisearch_indexer.local_files import LocalFiles
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures
from tests.conftest import write_hashed_model
from tests.indexer.conftest import points_of
from tests.indexer.mixed_files import write_mixed
from tests.indexer.ray_nodes import Kills, RayNodes, ray_nodes, run_and_kill_head


class Stopwatch:
    """A meter that notes when the last half of the files began and ended."""

    def __init__(self, files: int) -> None:
        self._half = files // 2
        self._done = self._counted = 0
        self._begun = self._ended = 0.0

    def start(self, total: int, files: int = 0) -> None:
        """See `Meter.start`."""

    def advance(self, count: int, files: int = 0) -> None:  # noqa: ARG002
        """See `Meter.advance`."""
        self._done += files
        if files and self._done > self._half:
            self._ended = time.monotonic()
            self._begun = self._begun or self._ended
            self._counted += files

    @property
    def rate(self) -> float:
        """Files a second."""
        return (self._counted - 1) / (self._ended - self._begun)


def run(
    name: str, files: Path, count: int, settings: Settings, open_executor: OpenExecutor | None
) -> tuple[float, dict[str, Point]]:
    """Index the files and print the run. Returns the rate and the points."""
    watch, cpu = Stopwatch(count), time.process_time()
    report = index_files([files], settings, meter=watch, open_executor=open_executor)
    head = 1000 * (time.process_time() - cpu) / report.seen
    assert report.failed == 0, list(read_failures(settings, True))
    print(f"{name:<20} {report.seconds:6.1f} s   rate {watch.rate:6.1f}   head {head:5.2f} ms", flush=True)
    return watch.rate, points_of(settings)


def assert_equal(one: dict[str, Point], other: dict[str, Point]) -> None:
    """Check that two indexes hold the same points."""
    assert one.keys() == other.keys()
    for key, point in one.items():
        assert point.payload == other[key].payload
        assert np.abs(point.vector - other[key].vector).max() <= 1e-6


def read_notes(notes: Sequence[Path], settings: Settings, open_executor: OpenExecutor) -> tuple[float, float]:
    """Hash and decode files here and on a cluster in turn. Returns the median milliseconds of both."""
    taken: list[tuple[float, ...]] = []
    model = OmniBind.load(settings.model, settings)
    with DecoderPool(settings, 1, previews=True) as pool, open_executor(settings, model, threading.Event()) as executor:
        for note in notes:
            times = []
            for files in (LocalFiles(pool), executor.files):
                begun = time.monotonic()
                files.identify(str(note))
                list(files.decode(str(note)).pieces)
                times.append(1000 * (time.monotonic() - begun))
            taken.append(tuple(times))
    here, there = zip(*taken[1:], strict=True)  # the first one starts processes
    return median(here), median(there)


def run_with_kills(files: Path, count: int, nodes: RayNodes, settings: Settings) -> dict[str, Point]:
    """Kill a decoder, an encoder and the second node in a run, and add a node again. Returns the points."""
    kills = Kills.of_actors_and_a_node(nodes, count)
    report = index_files([files], settings, meter=kills, open_executor=nodes.executor)
    nodes.add()
    assert (kills.steps, report.failed, report.outcomes[Outcome.NEW]) == ([], 0, count)
    print(f"killed a decoder, an encoder and a node: {report.seconds:.1f} s", flush=True)
    return points_of(settings)


def run_without_head(files: Path, count: int, nodes: RayNodes, settings: Settings) -> dict[str, Point]:
    """Kill the head of a run, and finish its work in another run. Returns the points."""
    done = run_and_kill_head(nodes, files, settings, count // 4)
    assert 0 < done < count
    report = index_files([files], settings, open_executor=nodes.executor)
    assert (report.failed, report.outcomes[Outcome.UNCHANGED], report.outcomes[Outcome.NEW]) == (0, done, count - done)
    print(f"killed the head after {done} files: the next run took {report.seconds:.1f} s", flush=True)
    return points_of(settings)


def main() -> None:
    """Run all."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=2000)
    options.add_argument("--kills", action="store_true", help="also kill actors, a node and the head")
    chosen = options.parse_args()
    count = chosen.files
    with tempfile.TemporaryDirectory() as place, ray_nodes() as nodes:
        folder = Path(place)
        files = folder / "files"
        write_mixed(files, count)
        model = write_hashed_model(folder / "models" / "toy")

        def settings(name: str) -> Settings:
            return load_settings(model=str(model), data_dir=folder / name)

        here, expected = run("this machine", files, count, settings("here").model_copy(update={"workers": 2}), None)
        single, found = run("a node of a cluster", files, count, settings("one"), nodes.executor)
        assert_equal(expected, found)
        note_here, note_there = read_notes(sorted(files.glob("*.txt"))[:100], settings("one"), nodes.executor)
        nodes.add()
        double, found = run("two nodes", files, count, settings("two"), nodes.executor)
        assert_equal(expected, found)
        if chosen.kills:
            assert_equal(expected, run_with_kills(files, count, nodes, settings("kills")))
            assert_equal(expected, run_without_head(files, count, nodes, settings("head")))
    print(f"{len(expected)} points of {count} files in every index: equal ids, payloads and vectors")
    print(f"speed-up {double / single:.2f}, {double / here:.2f} of this machine")
    print(f"a note {note_here:.1f} ms here, {note_there:.1f} ms by an actor")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
