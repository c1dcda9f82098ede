"""Compare the results of two runs: python bench/agree.py OTHER

OTHER is a folder with the JSON of another run, such as a copy of `bench/results`. Prints each figure whose value in
the other run lies outside of its spread. Exits with 1 if more than one figure in ten does; five in a hundred are
expected.
"""

import argparse
import sys
from pathlib import Path

from bench.render import RESULTS, documents, figures, number

SHARE = 0.1  # of the figures; a spread encloses 95 of 100, and the rest leaves room for chance


def differences(folder: Path, other: Path) -> tuple[list[str], int]:
    """Return a line for each figure that differs by more than its spread, and the number of figures in both."""
    first, second = figures(documents(folder)), figures(documents(other))
    both = [name for name in first if name in second and first[name]["rounds"] and second[name]["rounds"]]
    lines = []
    for name in both:
        low, high, value = first[name]["low"], first[name]["high"], second[name]["value"]
        if not low <= value <= high:
            lines.append(f"{name}: {number(value)} is not in {number(low)} to {number(high)}")
    return lines, len(both)


def main() -> None:
    """Print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    lines, count = differences(RESULTS, parser.parse_args().other)
    print("\n".join(lines))
    print(f"{len(lines)} of {count} figures differ by more than their spread")
    sys.exit(1 if len(lines) > SHARE * count else 0)


if __name__ == "__main__":
    main()
