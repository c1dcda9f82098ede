"""Print what part of each room the tests ran: python -m tests.coverage_table FILE, the output of `coverage json`."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

PACKAGES = ("omnisearch", "omnisearch_indexer", "omnisearch_training")


def room_of(path: str) -> str:
    """The folder of a package in which a file lies, the package itself for its own files."""
    parts = PurePath(path).parts
    start = next(i for i, part in enumerate(parts[:-1]) if part in PACKAGES and parts[i + 1] not in PACKAGES)
    return "/".join(parts[start : start + 2] if len(parts) > start + 2 else parts[start : start + 1])


def table(files: dict[str, Any]) -> Iterable[str]:
    """One line a room and one for all: statements, and how many per cent of them ran."""
    statements: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for path, found in files.items():
        for room in (room_of(path), "all"):
            statements[room] += found["summary"]["num_statements"]
            ran[room] += found["summary"]["covered_lines"]
    yield f"{'room':32}{'statements':>12}{'run':>8}"
    for room in sorted(statements, key=lambda name: (name == "all", name)):
        yield f"{room:32}{statements[room]:12}{100 * ran[room] / max(statements[room], 1):7.1f}%"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table(json.loads(Path(sys.argv[1]).read_text())["files"])) + "\n")
