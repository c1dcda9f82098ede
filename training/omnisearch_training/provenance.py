"""Provenance: the code, packages, weights and data of a result, so that it can be reproduced and identified."""

import contextlib
import functools
import json
import platform
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from omnisearch import __version__
from omnisearch.config import Settings
from omnisearch.spaces.registry import files_of
from omnisearch.spaces.weights.spec import resolve, sha256_of
from omnisearch_training.datasets import Record

FILE = "provenance.json"
PACKAGES = ("numpy", "torch", "faiss-cpu", "faiss-gpu", "mteb", "datasets")
HERE = Path(__file__)

Json = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")


class Clocked(Protocol):
    """An object whose stages are timed; `seconds` is filled as they end."""

    seconds: dict[str, float]


S = TypeVar("S", bound=Clocked)


def provenance(settings: Settings, spaces: Iterable[str], data: Mapping[str, Iterable[Record]]) -> Json:
    """Return what a result depends on: our code, packages, the weight files of `spaces`, the records of each dataset.

    `revision` exists only in a git checkout of omnisearch; `dirty` means that tracked files differ from it. Weight
    files are listed with their SHA-256, datasets with the number of records per split.
    """
    return {
        "versions": versions(),
        **revision(),
        "weights": {spec.name: spec.sha256 or sha256_of(resolve(spec, settings)) for spec in files_of(tuple(spaces))},
        "data": {name: Counter(str(record.split) for record in records) for name, records in data.items()},
    }


def versions() -> dict[str, str]:
    """Return the versions of omnisearch, Python and the installed packages that affect results."""
    found = {"omnisearch": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def revision(file: Path = HERE) -> Json:
    """Return the revision of the git checkout that tracks a file, and whether it is dirty; empty if there is none."""
    git = shutil.which("git")
    if git is None:
        return {}

    def ask(*arguments: str) -> str | None:
        done = subprocess.run([git, "-C", str(file.parent), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD") if ask("ls-files", "--error-unmatch", file.name) is not None else None
    if commit is None:
        return {}
    return {"revision": commit, "dirty": bool(ask("status", "--porcelain", "--untracked-files=no"))}


def timed(stage: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Add the wall time of a method's calls to its object's `seconds`, under the method's name."""

    def clocked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        start = time.perf_counter()
        try:
            return stage(self, *args, **kwargs)
        finally:
            spent = self.seconds.get(stage.__name__, 0.0) + time.perf_counter() - start
            self.seconds[stage.__name__] = round(spent, 3)

    functools.update_wrapper(clocked, stage)
    return clocked


def write(folder: Path, found: Json) -> None:
    """Write the provenance of a model beside its files."""
    (folder / FILE).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
