"""The index of one revision, with the answers that it gave: `python -m tests.upgrade.revision ARCHIVE`.

The commands are those of users, so that any revision can run this file. An archive is made before a change of the
code, and is never made again after it.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from tests.conftest import write_hashed_model
from tests.indexer.conftest import write_good, write_image
from tests.indexer.damage import wait_for_worker

DATA, MODEL, ANSWERS = "data", "model", "answers.json"
QUERIES: Mapping[str, tuple[str, ...]] = {
    "text": ("the quick brown fox",),
    "sum": ("fox", "+", "note", "-", "picture"),
    "or": ("fox", "OR", "number"),
    "filtered": ("fox", "--in", "text,image", "--where", "size>1kB"),
    "file name": ("note1", "--limit", "3"),
    "folded": ("p0", "--explain"),
}


def command(*arguments: object) -> str:
    """Run `omnisearch` with the arguments, and return its stdout."""
    run = [sys.executable, "-m", "omnisearch", *map(str, arguments)]
    return subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout


def answers(folder: Path, *options: str) -> dict[str, list[dict[str, Any]]]:
    """What the index in `folder` answers to each query."""
    return {name: answer(folder, *query, *options) for name, query in QUERIES.items()}


def answer(folder: Path, *query: str) -> list[dict[str, Any]]:
    """What the index in `folder` answers to one query."""
    index = ("--data-dir", folder / DATA, "--model", folder / MODEL, "--format", "json")
    found: list[dict[str, Any]] = json.loads(command("search", *query, *index))
    return found


def make(archive: Path) -> None:
    """Index small files, and write the index, its model and its answers by vectors alone."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        files = place / "files"
        write_good(files)
        write_image(files / "pictures" / "copy of p0.png", seed=0)
        write_hashed_model(place / MODEL)
        command("index", files, "--data-dir", place / DATA, "--model", place / MODEL)
        (place / ANSWERS).write_text(json.dumps(answers(place, "--no-words"), indent=1))
        wait_for_worker(Settings(data_dir=place / DATA))
        shutil.rmtree(files)
        with tarfile.open(archive, "w:xz") as tar:
            for part in (DATA, MODEL, ANSWERS):
                tar.add(place / part, part)


def archives() -> Iterator[Path]:
    """Yield the archives beside this file."""
    yield from sorted(Path(__file__).parent.glob("*.tar.xz"))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
