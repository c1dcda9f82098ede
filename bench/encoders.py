"""How fast the towers of the mini model are here, and what keeping large blocks gives: python bench/encoders.py

Needs the weights (`omnisearch models pull`). Contents are random: no tower's speed depends on what it sees. The
allocator is compared within one run, in processes that take turns, because a ratio survives a busy machine and a rate
does not; a rate in CPU seconds says what one free core would do.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from omnisearch.config import load_settings
from omnisearch.spaces import device
from omnisearch.spaces.towers import load_tower
from omnisearch.types import Content, PointCloud, Waveform

RANDOM = np.random.default_rng(0)
WORDS = ("small", "brown", "dog", "runs", "over", "wet", "grass", "beside", "an", "old", "red", "car")


def texts(count: int) -> list[Content]:
    """Return short sentences."""
    return [" ".join(RANDOM.choice(WORDS, RANDOM.integers(3, 20))) for _ in range(count)]


def images(count: int) -> list[Content]:
    """Return images of noise."""
    return [RANDOM.integers(0, 256, (480, 640, 3), np.uint8) for _ in range(count)]


def sounds(count: int) -> list[Content]:
    """Return ten seconds of noise each."""
    return [Waveform(RANDOM.uniform(-1, 1, 480_000).astype(np.float32), 48_000) for _ in range(count)]


def objects(count: int) -> list[Content]:
    """Return objects seen from six sides."""
    views = [RANDOM.integers(0, 256, (6, 256, 256, 3), np.uint8) for _ in range(count)]
    return [PointCloud(np.zeros((1, 3), np.float32), None, v) for v in views]


LOADS: dict[str, tuple[Callable[[int], list[Content]], int, str]] = {
    "minilm": (texts, 256, "texts of 3 to 19 words"),
    "efficientnet": (images, 64, "images of 640 x 480"),
    "aisfx": (sounds, 8, "sounds of 10 s at 48 kHz"),
    "views": (objects, 8, "objects of 6 views"),
}


def measure(tower: str, count: int) -> dict[str, float]:
    """Return contents per second of the clock and per second of CPU, after a first pass that is not counted."""
    loaded, contents = load_tower(tower, load_settings(device="cpu")), LOADS[tower][0](count)
    loaded.features(contents[:8])
    wall, cpu = time.perf_counter(), time.process_time()
    loaded.features(contents)
    return {"wall": count / (time.perf_counter() - wall), "cpu": count / (time.process_time() - cpu)}


def measure_elsewhere(tower: str, count: int, keep: bool) -> dict[str, float]:
    """Measure in a fresh process, with large blocks kept or with the C library's defaults."""
    command = [sys.executable, __file__, "--tower", tower, "--count", str(count)]
    done = subprocess.run([*command, *([] if keep else ["--default-allocator"])], stdout=subprocess.PIPE, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Print a table, or one measurement for a parent process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tower", choices=LOADS)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--default-allocator", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.tower:
        if given.default_allocator:
            device.keep_large_blocks = lambda: False
        print(json.dumps(measure(given.tower, given.count or LOADS[given.tower][1])))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {given.rounds} rounds")
    print("ratio: large blocks kept over the C library's default, in CPU time")
    print(f"{'tower':<14}{'per second':>11}{'per CPU s':>11}{'ratio':>8}  contents")
    for tower, (_, count, what) in LOADS.items():
        pairs = [[measure_elsewhere(tower, count, keep) for keep in (True, False)] for _ in range(given.rounds)]
        wall, cpu = (median(kept[kind] for kept, _ in pairs) for kind in ("wall", "cpu"))
        ratio = median(kept["cpu"] / default["cpu"] for kept, default in pairs)
        print(f"{tower:<14}{wall:>11.1f}{cpu:>11.1f}{ratio:>8.2f}  {what}")


if __name__ == "__main__":
    main()
