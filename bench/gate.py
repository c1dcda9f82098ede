"""A few ratios that a change must not make twice as bad: python bench/gate.py --check

Each is measured at a small size, in processor time of paired rounds, so that it holds on a busy machine. `--check`
compares the medians with those of `bench/results/gate.json`. A ratio that is worse than twice the recorded one is
measured a second time; if it is worse again, the command exits with 1. `make test-slow`, which CI runs, does the
same. If a change is meant to cost more, record its ratio by `--only NAME --json bench/results/gate.json`, which keeps
the others. Needs the weights (`omnisearch models pull`), and Linux.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import decoding, indexing, pairs, rebind, search
from bench.process_tree import adopt_orphans
from bench.results import Report, Result, add_json_option, in_blocks
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.types import Modality

RECORDED = Path(__file__).parent / "results" / "gate.json"
LIMIT = 2.0
ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """The rounds of one ratio, each over `n` files, queries or vectors. A lower ratio is better."""

    rounds: Sequence[float]
    n: int


def search_over_bare() -> Measured:
    """A search by a vector over a bare call of the engine."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        settings = load_settings(data_dir=Path(place) / "data", model="mini")
        rows = search.measure(settings, 2000, 20, ["vector"])
    return Measured(next(row.ratios for row in rows if row.name == "vector"), 1)


def indexing_over_encoding(modality: Modality, files: int) -> Measured:
    """Indexing over encoding alone."""
    settings = load_settings(model="mini")
    contents, turns = indexing.measure(OmniBind.load("mini", settings), settings, modality, files, ROUNDS)
    return Measured([1 / turn.cpu_ratio for turn in turns], contents)


def decoding_over(kind: str, files: int) -> Measured:
    """Decoding over the library that does most of it."""
    make, _, _, limit = decoding.LIMITS[kind]
    with tempfile.TemporaryDirectory() as place:
        make(Path(place), files)
        paths = sorted(path for path in Path(place).rglob("*") if path.is_file())
        decoding.seconds(decoding.decode_whole, paths[:1]), decoding.seconds(limit, paths[:1])  # imports
        turns = [
            (decoding.seconds(decoding.decode_whole, paths), decoding.seconds(limit, paths)) for _ in range(ROUNDS)
        ]
    return Measured([ours / theirs for ours, theirs in turns], files)


def rebinding_over_indexing() -> Measured:
    """Rebinding an index over indexing its files again; the towers cost nothing."""
    files, ratios = 90, []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            place = Path(name)
            models = tuple(str(rebind.write_model(place / f"model{seed}", seed)) for seed in (1, 2))
            found = rebind.measure(place, files, (models[0], models[1]))
        ratios.append(1 / found["cpu_ratio"])
    return Measured(ratios, files)


def mining_over_faiss() -> Measured:
    """Mining by int8 blocks over faiss's flat index."""
    queries, targets = (pairs.clustered(4096, 200, 384, seed) for seed in (1, 2))

    def cpu(method: str) -> float:
        start = time.process_time()
        pairs.METHODS[method](queries, targets, 1)
        return time.process_time() - start

    cpu("int8"), cpu("faiss alone")
    return Measured([cpu("int8") / cpu("faiss alone") for _ in range(5)], len(queries))


RATIOS: dict[str, tuple[Callable[[], Measured], str]] = {
    "a search by a vector": (search_over_bare, "a bare call of qdrant-edge"),
    "indexing texts": (lambda: indexing_over_encoding(Modality.TEXT, 150), "the encoder alone"),
    "indexing pictures": (lambda: indexing_over_encoding(Modality.IMAGE, 40), "the encoder alone"),
    "decoding 3D models": (lambda: decoding_over("3D models", 3), "Embree, 4 rays a pixel"),
    "decoding sounds": (lambda: decoding_over("sounds", 10), "libsndfile"),
    "decoding films": (lambda: decoding_over("films", 2), "PyAV, all pictures"),
    "rebind": (rebinding_over_indexing, "indexing again"),
    "mining by int8 blocks": (mining_over_faiss, "faiss flat"),
}


def recorded(path: Path = RECORDED) -> dict[str, float]:
    """Return the recorded ratios by name."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {each["name"]: each["value"] for each in document["results"]}


def kept(path: Path) -> list[Result]:
    """Return the recorded results of ratios that still exist: a run with --only keeps those that it leaves out."""
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [Result(**each | {"rounds": tuple(each["rounds"])}) for each in results if each["name"] in RATIOS]


def is_worse(found: float, known: float) -> bool:
    """Whether a ratio is worse than LIMIT times the recorded one."""
    return found > LIMIT * known


def check(known: dict[str, float], measures: dict[str, Callable[[], Measured]]) -> list[str]:
    """Return a line for each ratio that is too bad in two measurements, and for each that is not recorded."""
    wrong = []
    for name, measure in measures.items():
        if name not in known:
            wrong.append(f"{name}: not recorded; run python bench/gate.py --json bench/results/gate.json")
            continue
        found = median(measure().rounds)
        if is_worse(found, known[name]):
            found = min(found, median(measure().rounds))
        print(f"{name:24} {found:8.3f}, recorded {known[name]:8.3f}, limit {LIMIT * known[name]:8.3f}", flush=True)
        if is_worse(found, known[name]):
            wrong.append(f"{name}: {found:.3f} is worse than {LIMIT} times the recorded {known[name]:.3f}")
    return wrong


def main() -> None:
    """Print the ratios, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the recorded ratios")
    parser.add_argument("--only", nargs="*", choices=list(RATIOS), default=list(RATIOS))
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    adopt_orphans()
    if given.check:
        wrong = check(recorded(), {name: RATIOS[name][0] for name in given.only})
        print("\n".join(wrong), file=sys.stderr)
        sys.exit(1 if wrong else 0)
    for name in given.only:
        measure, peer = RATIOS[name]
        found = measure()
        report.add(name, "ratio", in_blocks(found.rounds), found.n, "lower", peer)
        print(f"{name:24} {report.results[-1].value}", flush=True)
    if given.json and given.json.exists():
        report.results += [each for each in kept(given.json) if each.name not in given.only]
    report.results.sort(key=lambda each: list(RATIOS).index(each.name))
    report.write(given.json)


if __name__ == "__main__":
    main()
