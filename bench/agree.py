"""Compare the results of two runs: python bench/agree.py OTHER

OTHER is a folder with the JSON of another run of the same revision, such as a copy of `bench/results`. Prints each
figure whose value in the other run lies outside of its spread, and what else differs: the scripts, the machine and the
revision. Exits with 1 if more than one figure in ten lies outside (five in a hundred are expected), or if there are
none to compare.

The speed of a shared machine changes between two runs, and the rounds of one run do not show that. So times and rates
are compared at one speed: those of the other run are divided by the median factor by which the times of their script
differ, and these factors are printed. Ratios, sizes and memory are compared as they are.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.recorded import RESULTS, documents, figures, number, script_of

SHARE = 0.1  # of the figures; a spread encloses 95 of 100, and the rest leaves room for chance
TIMES = ("s", "ms", "µs")
MACHINE = ("cpu", "cores", "memory_gib", "system", "python")  # the fields of `machine` in the JSON that are compared


def _power(unit: str) -> int:
    """Return 1 for a time, -1 for a rate, and 0 for what does not depend on the speed of the machine."""
    return 1 if unit in TIMES else -1 if unit.endswith("/s") else 0


def slowness(first: Mapping[str, Mapping[str, Any]], second: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the median factor by which the second run of each script was slower; both runs have the same figures."""
    factors: dict[str, list[float]] = {}
    for name in first:
        power = _power(first[name]["unit"])
        if power and first[name]["value"] > 0 and second[name]["value"] > 0:
            factor = (second[name]["value"] / first[name]["value"]) ** power
            factors.setdefault(script_of(name), []).append(factor)
    return {script: statistics.median(each) for script, each in factors.items()}


@dataclass(frozen=True)
class Agreement:
    """How a second run agrees with a first one: the number of figures in both, and those outside of their spread.

    `slower` is the factor by which the second run of each script was slower.
    """

    count: int
    slower: dict[str, float]
    outside: list[str]


def compare(folder: Path, other: Path) -> Agreement:
    """Compare the figures of two folders of results."""
    one, two = figures(documents(folder)), figures(documents(other))
    both = [name for name in one if name in two and one[name]["rounds"] and two[name]["rounds"]]
    first, second = ({name: run[name] for name in both} for run in (one, two))
    slower, outside = slowness(first, second), []
    for name in both:
        low, high, power = first[name]["low"], first[name]["high"], _power(first[name]["unit"])
        value = second[name]["value"] / slower.get(script_of(name), 1.0) ** power
        if not low <= value <= high:
            outside.append(f"{name}: {number(value)} is not in {number(low)} to {number(high)}")
    return Agreement(len(both), slower, outside)


def differences(folder: Path, other: Path) -> list[str]:
    """Return the differences that make two runs hard to compare, a line each: scripts, revision and machine."""
    one, two = documents(folder), documents(other)
    found = [f"only one of the runs has {name}" for name in one.keys() ^ two.keys()]
    runs = [(one[name], two[name]) for name in one if name in two]
    for name, values in (
        ("revision", [(a["revision"], b["revision"]) for a, b in runs]),
        *((each, [(a["machine"][each], b["machine"][each]) for a, b in runs]) for each in MACHINE),
    ):
        pairs = {pair for pair in values if pair[0] != pair[1]}
        found += [f"the other run has {name} {b}, and not {a}" for a, b in sorted(pairs)]
    return sorted(found)


def main() -> None:
    """Print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    other = parser.parse_args().other
    found = compare(RESULTS, other)
    if not found.count:
        sys.exit(f"{other} has no figure to compare: name a folder with the JSON of another run, such as bench/again")
    print("".join(f"{line}\n" for line in differences(RESULTS, other)), end="")
    factors = (f"{script} {factor:.2f}" for script, factor in found.slower.items())
    print(f"the other run took this many times as long: {', '.join(factors) or 'no times to compare'}")
    print("\n".join(found.outside))
    print(f"{len(found.outside)} of {found.count} figures differ by more than their spread")
    sys.exit(1 if len(found.outside) > SHARE * found.count else 0)


if __name__ == "__main__":
    main()
