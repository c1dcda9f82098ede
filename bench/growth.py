"""How a first run and a run without changes grow with the number of files: python bench/growth.py

Small notes are written and indexed by `omnisearch index`, in a process of its own, by a model without weights, so that
everything but the encoder is measured; --model names another. Runs without changes take turns with `find -printf`, and
with Python's own `os.walk` and `lstat`, over the same tree; `unlogged_cpu` is the processor time of the first one,
which reads the manifest's rows of all files. On a busy machine, compare the seconds of processors.

Indexing a million files takes an hour. The files of --recorded are empty, and their rows are written to the manifest
directly: a run without changes opens nothing else. `--out bench/growth.json` keeps the figures that
`python bench/figures.py` draws for docs/indexing.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bench.results import Report, add_json_option
from omnisearch.config import Settings, load_settings
from omnisearch.media.versions import fingerprint
from omnisearch.spaces.registry import SPACES
from omnisearch.stores.catalog import DIRECTORY
from omnisearch.stores.edge_worker import LOCK_FILE
from omnisearch.types import Modality
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import FileRow, ItemRow
from omnisearch_indexer.path_labels import LabelTree, facts_json
from omnisearch_indexer.stamp import read_stamp, write_stamp
from omnisearch_indexer.walk import FoundFile, Walk

FILES_IN_FOLDER = 100
MIB = 1 << 20
WORDS = ("red", "green", "blue", "low", "high", "noise", "dog", "bark", "over", "wet", "grass", "old")
# The columns whose growth is fitted.
GROWING = (
    "first_cpu",
    "first_peak_mib",
    "engine_peak_mib",
    "index_mib",
    "unchanged_cpu",
    "unchanged_peak_mib",
    "find_cpu",
)


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds by the clock, seconds of processors, and the peak of its memory in MiB."""

    seconds: float
    cpu: float
    peak_mib: float


def cost(command: Sequence[str]) -> Cost:
    """Run a command to its end, with the processes that it waits for. Python may cache compiled modules."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:  # the engine's process keeps a pipe open after the run
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        assert process.returncode == 0, said.read().decode()
    return Cost(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each number."""
    rows = [tuple(vars(each).values()) for each in costs]
    return Cost(*(statistics.median(column) for column in zip(*rows, strict=True)))


def write_model(folder: Path) -> Path:
    """Write a model that is the space without weights."""
    part = Modality.TEXT.value
    config = {
        "name": "weightless",
        "licence": "none",
        "dim": SPACES["hashed"].dim,
        "projectors": {"hashed": {"kind": "identity"}},
        "branches": {part: [{"parts": {"hashed": 1.0}}]},
        "routers": {part: {"kind": "fixed", "factors": [1.0]}},
    }
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(config))
    save_file({}, folder / "model.safetensors")
    return folder


def write_tree(folder: Path, files: int, empty: bool) -> None:
    """Write notes of a dozen words, or empty files."""
    random = np.random.default_rng(0)
    for n in range(files):
        place = folder / f"{n // (FILES_IN_FOLDER * 100):03}" / f"{n // FILES_IN_FOLDER % 100:02}"
        if n % FILES_IN_FOLDER == 0:
            place.mkdir(parents=True)
        with open(place / f"note {n:07}.txt", "w") as file:  # noqa: PTH123 - a million times
            if not empty:
                file.write(f"note {n}: {' '.join(random.choice(WORDS, 12))}")


def record(tree: Path, settings: Settings) -> None:
    """Write the rows of a tree's files to the manifest of a new index, as if they had been indexed."""
    stamp = read_stamp(settings, "")
    assert stamp is not None
    made_by = fingerprint(settings)
    with closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)) as manifest:
        labels = LabelTree(manifest)
        for number, batch in enumerate(Walk([str(tree)]).batches(str(tree))):
            found = [FoundFile.of(entry) for entry in batch]
            rows = [FileRow(one.path, one.signature, made_by, f"{number:016x}{n:016x}") for n, one in enumerate(found)]
            with manifest.transaction():
                for row in rows:
                    assert row.item_id is not None
                    facts = facts_json(labels.facts("text/plain", [row]))
                    manifest.put_items([ItemRow(row.item_id, Modality.TEXT, 1, made_by, "text/plain", facts)])
                manifest.put_files(rows)
        manifest.mark_settled(facts_version())
    write_stamp(stamp, settings)


@contextmanager
def engine_peak(settings: Settings) -> Iterator[list[float]]:
    """Yield a list that gets the peak memory of the engine's process in MiB, as often as it is read."""
    found: list[float] = []
    done = threading.Event()

    def read() -> None:
        while not done.wait(0.2):
            with suppress(OSError, ValueError, IndexError):  # it has not started, or has ended
                pid = json.loads((settings.index_dir / DIRECTORY / LOCK_FILE).read_text())["pid"]
                status = Path(f"/proc/{pid}/status").read_text()
                found.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def size_mib(folder: Path) -> float:
    """The allocated size of a folder in MiB."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*")) / MIB


def bare_walk(tree: Path) -> float:
    """The seconds of a processor that `os.walk` and one `lstat` for each file take."""
    begun = time.process_time()
    for folder, _, names in os.walk(tree):
        for name in names:
            os.lstat(f"{folder}/{name}")
    return time.process_time() - begun


def measure(
    place: Path, files: int, model: str, recorded: bool, rounds: int
) -> tuple[dict[str, float], list[tuple[Cost, Cost]]]:
    """Return one row of the table, and the costs of a run without changes and of `find` in each round."""
    tree, settings = place / "tree", load_settings(data_dir=place / "index", model=model)
    index = [
        sys.executable,
        "-m",
        "omnisearch",
        "index",
        str(tree),
        "--data-dir",
        str(place / "index"),
        "--model",
        model,
    ]
    row: dict[str, float] = {"files": files}
    tree.mkdir(parents=True)
    if recorded:
        cost(index)
    write_tree(tree, files, empty=recorded)
    if recorded:
        record(tree, settings)
    else:
        with engine_peak(settings) as peaks:
            first = cost(index)
        row |= {f"first_{name}": value for name, value in asdict(first).items()}
        row |= {"engine_peak_mib": max(peaks, default=0.0), "index_mib": size_mib(place / "index")}
    find = ["find", str(tree), "-printf", "%p %s %T@ %i\\n"]
    unchanged, found, walked = [], [], []
    row["unlogged_cpu"] = cost(index).cpu
    for _ in range(rounds):
        found.append(cost(find))
        walked.append(bare_walk(tree))
        unchanged.append(cost(index))
    run, peer = median(unchanged), median(found)
    row |= {f"unchanged_{name}": value for name, value in asdict(run).items()}
    row |= {"find_seconds": peer.seconds, "find_cpu": peer.cpu, "walk_cpu": statistics.median(walked)}
    row |= {"ratio_seconds": run.seconds / peer.seconds, "ratio_cpu": run.cpu / peer.cpu}
    return {name: round(value, 3) for name, value in row.items()}, list(zip(unchanged, found, strict=True))


def slopes(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The exponents of the growth: the slopes of lines through the logarithms. 1 grows with the number of files."""
    found = {}
    for name in GROWING:
        points = [(row["files"], row[name]) for row in rows if row.get(name, 0) > 0]
        if len(points) > 1:
            x, y = np.log(np.array(points)).T
            found[name] = round(float(np.polyfit(x, y, 1)[0]), 2)
    return found


def per_further_file(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Microseconds of a processor for each further file, without the start of a process."""
    least, most = min(rows, key=lambda row: row["files"]), max(rows, key=lambda row: row["files"])
    names = ("unchanged_cpu", "find_cpu", "walk_cpu")
    if least is most:
        return {}
    found = {name: 1e6 * (most[name] - least[name]) / (most["files"] - least["files"]) for name in names}
    found["ratio"] = found["unchanged_cpu"] / found["find_cpu"]
    return {name: round(value, 2) for name, value in found.items()}


def report_growth(report: Report, rows: Sequence[dict[str, float]], rounds: Sequence[list[tuple[Cost, Cost]]]) -> None:
    """Add what a run without changes costs at each size, and how it grows, to the results."""
    for row, costs in zip(rows, rounds, strict=True):
        files = int(row["files"])
        name = f"a run without changes over {files:,} files"
        report.add(f"{name}, processor time", "s", [run.cpu for run, _ in costs], files)
        report.add(f"{name}, memory", "MiB", [run.peak_mib for run, _ in costs], files)
    least, most = (chosen(range(len(rows)), key=lambda n: rows[n]["files"]) for chosen in (min, max))
    further = int(rows[most]["files"] - rows[least]["files"])
    if further:
        pairs = list(zip(rounds[least], rounds[most], strict=True))
        growths = [(most[0].cpu - least[0].cpu, most[1].cpu - least[1].cpu) for least, most in pairs]
        each = [1e6 * ours / further for ours, _ in growths]
        report.add("a run without changes, processor time of each further file", "µs", each, further)
        ratios = [ours / theirs for ours, theirs in growths]
        report.add("each further file, processor time", "ratio", ratios, further, peer="find -printf")


def table(rows: Sequence[dict[str, float]]) -> str:
    """The rows as a table of Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [
        names,
        ["--:"] * len(names),
        *([f"{row.get(name, ''):,}" if name in row else "" for name in names] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print a table, then the same as JSON, or write that to --out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="*", default=[1000, 3000, 10000], help="sizes of folders to index")
    parser.add_argument("--recorded", type=int, nargs="*", default=[], help="sizes whose rows are only recorded")
    parser.add_argument("--model", help="a model on this machine")
    parser.add_argument("--rounds", type=int, default=5, help="runs without changes of each size")
    parser.add_argument("--folder", type=Path, help="where the files are written; some 1 KiB of memory each on a tmpfs")
    parser.add_argument("--out", type=Path)
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    rows, rounds = [], []
    with tempfile.TemporaryDirectory(dir=given.folder, ignore_cleanup_errors=True) as name:
        model = given.model or str(write_model(Path(name, "model")))
        for files, recorded in [*((n, False) for n in given.files), *((n, True) for n in given.recorded)]:
            place = Path(name, f"{files}-{recorded}")
            row, costs = measure(place, files, model, recorded, given.rounds)
            rows.append(row)
            rounds.append(costs)
            shutil.rmtree(place, ignore_errors=True)
    print(table(rows))
    report_growth(report, rows, rounds)
    report.write(given.json)
    load = [round(value, 1) for value in os.getloadavg()]
    result = {"rows": rows, "slopes": slopes(rows), "per_further_file_us": per_further_file(rows), "load": load}
    print(f"\nslopes: {result['slopes']}\nper further file, in µs of a processor: {result['per_further_file_us']}")
    print(f"load of the machine over 1, 5 and 15 minutes: {load}")
    text = json.dumps(result, indent=2)
    if given.out:
        given.out.write_text(f"{text}\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
