"""The results of a benchmark: one schema, which every script of docs/benchmarks.md writes as JSON with --json FILE.

A figure is measured in rounds. Each round gives one number, and the value is the median of the rounds. A round of a
comparison measures both sides, one after the other, so that a busy machine slows both. If a second run has as many
rounds, and they vary as these did, its value lies between `low` and `high` in 95 of 100 cases (Student's t on the
logarithms of the rounds). The spread does not cover a machine that is slower throughout; bench/agree.py divides that
out.
"""

import argparse
import json
import math
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parent.parent
FORMAT = 1
# Student's t, two-sided 95 %, by degrees of freedom from 1.
STUDENT_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
STUDENT_T_BEYOND = 2.2
# The packages that decide how fast omnisearch is.
PACKAGES = ("omnisearch", "numpy", "torch", "timm", "tokenizers", "qdrant-edge-py", "pillow", "av", "faiss-cpu")
# Variables that change how fast torch is; a command is written with those that are set.
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")
# What `make bench` writes, which is no change of what it measures.
MADE = (":!bench/results", ":!bench/again", ":!docs/benchmarks.md")
UNIT_OF_RATIOS = "ratio"
Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Result:
    """One figure. If it could not be measured, it has no rounds, and `reason` says why.

    `n` is the number of files, queries or calls in each round. `peer` names what a ratio is relative to, or what else
    was measured, and `peer_version` its version.
    """

    name: str
    unit: str
    better: Better
    n: int = 0
    rounds: tuple[float, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None
    peer: str = ""
    peer_version: str = ""
    reason: str = ""


def spread(rounds: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of the rounds, and the bounds within which the median of a second run is expected."""
    value = statistics.median(rounds)
    if len(set(rounds)) == 1:
        return value, value, value
    logs = [math.log(each) for each in rounds] if min(rounds) > 0 else []
    deviation = statistics.stdev(logs or rounds)
    t = STUDENT_T[len(rounds) - 2] if len(rounds) - 2 < len(STUDENT_T) else STUDENT_T_BEYOND
    reach = t * deviation * math.sqrt(math.pi / len(rounds))  # a median of n varies by pi / 2n, and two are compared
    if logs:
        return value, value * math.exp(-reach), value * math.exp(reach)
    return value, value - reach, value + reach


def in_blocks(turns: Sequence[float], count: int = 5) -> list[float]:
    """Make rounds of many turns: the medians of `count` runs of consecutive turns."""
    count = min(count, len(turns))
    ends = [len(turns) * n // count for n in range(count + 1)]
    return [statistics.median(turns[a:b]) for a, b in pairwise(ends)]


def significant(number: float, digits: int = 4) -> float:
    """Round a number to a few significant digits."""
    return float(f"{number:.{digits}g}")


@dataclass
class Report:
    """The results of one run of a script. `file` is the script's `__file__`."""

    file: str
    results: list[Result] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def add(
        self,
        name: str,
        unit: str,
        rounds: Sequence[float],
        n: int = 1,
        better: Better = "lower",
        peer: str = "",
        peer_version: str = "",
    ) -> None:
        """Add a figure that was measured once in each round."""
        value, low, high = map(significant, spread(rounds))
        kept = tuple(map(significant, rounds))
        self.results.append(Result(name, unit, better, n, kept, value, low, high, peer, peer_version))

    def miss(self, name: str, unit: str, reason: str, better: Better = "lower", peer: str = "") -> None:
        """Add a figure that cannot be measured here."""
        self.results.append(Result(name, unit, better, peer=peer, reason=reason))

    def show(self) -> None:
        """Print the figures as a table."""
        width = max((len(each.name) for each in self.results), default=0)
        for each in self.results:
            if each.value is None or each.low is None or each.high is None:
                print(f"{each.name:{width}}  not measured: {each.reason}")
            else:
                print(f"{each.name:{width}}  {each.value:>10.4g} {each.unit} ({each.low:.4g} to {each.high:.4g})")

    def as_json(self) -> dict[str, Any]:
        """Return the results with command, machine, revision and date."""
        return {
            "format": FORMAT,
            "script": Path(self.file).stem,
            "command": command(),
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round(time.monotonic() - self.begun),
            "cpu_seconds": round(sum(os.times()[:4])),
            "revision": revision(),
            "machine": machine() | {"load": round(self.load, 1)},
            "results": [asdict(each) for each in self.results],
        }

    def write(self, path: Path | None) -> None:
        """Write the JSON, if a file is asked for."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json FILE."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to a file: bench/results.py")


def command() -> str:
    """Return the command of this process, from the root of the checkout and without --json."""
    variables = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    words = list(sys.argv[1:])
    if "--json" in words:
        at = words.index("--json")
        del words[at : at + 2]
    script = Path(sys.argv[0]).resolve()
    named = script.relative_to(ROOT) if script.is_relative_to(ROOT) else Path(script.name)
    return " ".join([*variables, shlex.join(["python", str(named), *(shown(word) for word in words)])])


def shown(word: str) -> str:
    """Return an argument without paths of this machine: relative to the checkout, or else only the name."""
    path = Path(word)
    if not path.is_absolute():
        return word
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def revision() -> str:
    """Return the commit that was measured; a plus sign marks uncommitted changes of anything but results."""
    changed = _git(ROOT, "status", "--porcelain", "--", ".", *MADE)
    return (checked_out(ROOT) or "unknown") + ("+" if changed else "")


def checked_out(folder: Path) -> str:
    """Return the commit of a checkout; empty if the folder is not one."""
    return _git(folder, "rev-parse", "--short=10", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    """Return the output of git; empty without git or outside of a repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def package_version(name: str) -> str:
    """Return the version of an installed package; empty if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def machine() -> dict[str, Any]:
    """Describe the machine and the packages."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": cpu_name(),
        "memory_gib": round(pages / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := package_version(name))},
    }


def cpu_name() -> str:
    """Return the model of the processor; empty if the system does not name it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
