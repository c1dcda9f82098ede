"""The measurements of one loop over a folder of pictures, written as JSON for bench/peers.py."""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.disk import size_mib
from bench.process_tree import PeakMemory, adopt_orphans, cpu_seconds

TEXTS = tuple(
    f"{colour} {thing}" for colour in ("red", "old", "tall", "wet") for thing in ("dog", "train", "chair", "sea")
)
K = 10
FILE = "loop.json"
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Loop:
    """One round of a peer: the index of `files` pictures, then queries that were not asked before."""

    files: int
    index_seconds: float
    index_cpu: float
    index_peak_mib: float
    index_mib: float
    query_ms: float
    query_cpu_ms: float

    def write(self, place: Path) -> None:
        """Write the figures into the folder of the index, because a peer's processes print to standard output."""
        (place / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Return the folder of pictures and the folder for the index."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("place", type=Path)
    return parser.parse_args()


def measure(folder: Path, place: Path, index: Callable[[], None], search: Callable[[str], int]) -> Loop:
    """Index, search, and return the figures. `search` searches for a text and returns the number of hits."""
    adopt_orphans()
    with PeakMemory() as memory:
        begun = time.perf_counter(), cpu_seconds()
        index()
        seconds, cpu = time.perf_counter() - begun[0], cpu_seconds() - begun[1]
    files = sum(1 for _ in folder.iterdir())
    search("warm up")
    spent, before = [], cpu_seconds()
    for text in TEXTS:
        start = time.perf_counter()
        hits = search(text)
        spent.append(1000 * (time.perf_counter() - start))
        assert hits == min(K, files), f"{hits} hits of {files} pictures"
    queries = 1000 * (cpu_seconds() - before) / len(TEXTS)
    return Loop(files, seconds, cpu, memory.mib, size_mib(place), median(spent), queries)
