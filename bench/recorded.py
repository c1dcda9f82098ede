"""The results that the repository keeps: one JSON file for each script of docs/benchmarks.md, in folders of one run.

bench/results   of now
bench/again     a second run of the same revision
bench/before    some scripts at an earlier revision
"""

import json
from pathlib import Path
from typing import Any

from bench.results import ROOT

RESULTS = ROOT / "bench" / "results"
AGAIN = ROOT / "bench" / "again"
BEFORE = ROOT / "bench" / "before"
# The scripts of the page, in its order; `make bench` runs them in the same order.
SCRIPTS = (
    "everyday",
    "indexing",
    "peers",
    "served",
    "footprint",
    "growth",
    "search",
    "nearest",
    "serving",
    "rebind",
    "binding",
    "pairs",
    "gate",
)


def documents(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Return the JSON of each script that was run, by its name, in the order of the page."""
    found = {path.stem: _read(path) for path in folder.glob("*.json")}
    if unknown := found.keys() - set(SCRIPTS):
        raise SystemExit(f"{folder} has {', '.join(sorted(unknown))}, which bench/recorded.py does not list in SCRIPTS")
    return {name: found[name] for name in SCRIPTS if name in found}


def _read(path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SystemExit(f"{path} is not complete: {error}; run its script again with --json {path}") from None
    return read


def figures(runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return every result by "SCRIPT: NAME"."""
    return {f"{script}: {each['name']}": each for script, run in runs.items() for each in run["results"]}


def script_of(name: str) -> str:
    """Return the script of a name that `figures` gives."""
    return name.partition(": ")[0]


def number(value: float) -> str:
    """Write a number with three significant digits."""
    rounded = float(f"{value:.3g}")
    exponent = int(f"{rounded:e}".partition("e")[2])
    return f"{rounded:,.{min(6, max(0, 2 - exponent))}f}"
