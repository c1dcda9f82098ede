"""The waiting times of a user: python bench/everyday.py demo/corpus

In each round a folder, or every n-th of its files, is indexed into a new data directory and indexed again. Then texts
are searched cold, each in a new process, and warm, in an open engine that has not seen them. The cold search is
compared with a process that only imports torch. Memory is the peak of all processes of a command together, the worker
of the store included. Needs the weights (`omnisearch models pull`), and Linux.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench.disk import size_mib
from bench.process_tree import PeakMemory, adopt_orphans, memory_mib
from bench.results import Report, add_json_option
from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine

TEXTS = ("a dog", "rain on a roof", "a wooden chair", "an old train", "somebody playing the piano")
OMNISEARCH = (sys.executable, "-m", "omnisearch")
PARTS = ("previews", "vectors", "embeddings")  # the large folders of an index
SETTLED_SECONDS = 3.0  # the worker of the store ends two seconds after its last client


def seconds(*command: str) -> float:
    """Run a command in a process of its own."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def once(folder: Path, place: Path) -> dict[str, float]:
    """Measure one round."""
    found = {}
    data = ("--data-dir", str(place))
    with PeakMemory(itself=False) as memory:
        found["index"] = seconds(*OMNISEARCH, "index", str(folder), *data)
    found["index, memory"] = memory.mib
    found["index again"] = seconds(*OMNISEARCH, "index", str(folder), *data)
    found["index, size"] = size_mib(place)
    found |= {f"index, size of {part}": size_mib(place / part) for part in PARTS}
    time.sleep(SETTLED_SECONDS)
    with PeakMemory(itself=False) as memory:
        found["search, cold"] = median(seconds(*OMNISEARCH, "search", text, *data) for text in TEXTS)
    found["search, cold, memory"] = memory.mib
    found["import torch"] = median(seconds(sys.executable, "-c", "import torch") for _ in TEXTS)
    before = memory_mib()
    with Engine.open(load_settings(data_dir=place)) as engine:
        engine.search(Query(Term("warm up")))
        answers = [engine.search(Query(Term(text))) for text in TEXTS]
        found["open engine, memory"] = memory_mib() - before
    found["search, warm"] = median(answer.took_ms["total"] for answer in answers)
    return found


def sample(folder: Path, every: int, place: Path) -> Path:
    """Copy every n-th file of a folder, in the order of their paths, and return the copy."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in paths[::every]:
        copy = place / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return place


def report_rounds(report: Report, rounds: dict[str, list[float]], files: int, corpus_mib: float) -> None:
    """Add the figures to the results."""
    for name, n in (("index", files), ("index again", files), ("search, cold", len(TEXTS))):
        report.add(f"{name}, time", "s", rounds[name], n)
    torch = "a process that imports torch"
    cold = [a / b for a, b in zip(rounds["search, cold"], rounds["import torch"], strict=True)]
    report.add("search, cold, time, over importing torch", "ratio", cold, len(TEXTS), peer=torch)
    report.add("search, warm, all modalities", "ms", rounds["search, warm"], len(TEXTS))
    for name, n in (
        ("index, memory", files),
        ("search, cold, memory", len(TEXTS)),
        ("open engine, memory", len(TEXTS)),
    ):
        report.add(name, "MiB", rounds[name], n)
    report.add("index, size", "MiB", rounds["index, size"], files)
    for part in PARTS:
        report.add(f"of this, {part}", "MiB", rounds[f"index, size of {part}"], files)
    share = [size / corpus_mib for size in rounds["index, size"]]
    report.add("index, size, over the files", "ratio", share, files, peer="the files themselves")


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="index every n-th file")
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    adopt_orphans()
    rounds = defaultdict[str, list[float]](list)
    with tempfile.TemporaryDirectory() as copied:
        folder = sample(given.folder, given.every, Path(copied))
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
                for name, value in once(folder, Path(place)).items():
                    rounds[name].append(value)
        files = sum(1 for path in folder.rglob("*") if path.is_file())
        report_rounds(report, rounds, files, size_mib(folder))
    report.show()
    report.write(given.json)


if __name__ == "__main__":
    main()
