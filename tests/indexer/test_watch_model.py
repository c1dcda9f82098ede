"""The watch against a model of the folders: after random operations, the index has what the folders have."""

import functools
import os
import random
import shutil
import time
from contextlib import closing
from pathlib import Path

import pytest
from blake3 import blake3

from omnisearch.config import Settings
from omnisearch.media.file import ID_DIGITS
from omnisearch_indexer import watch, watch_session
from omnisearch_indexer.changes import Changes
from omnisearch_indexer.folder_watch import FolderWatch
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.watch import WatchOptions
from tests.indexer.conftest import points_of
from tests.indexer.test_watch import Watching

NAMES = ("a", "b", "c", "d", "e", "f")
WORDS = ("river", "stone", "cloud", "engine", "violin", "harbour", "winter", "copper")


class Folders:
    """Two roots, changed by random operations, and a model of them: the text of each file by its path."""

    def __init__(self, roots: list[Path], seed: int) -> None:
        self.roots, self.random = roots, random.Random(seed)
        self.files: dict[Path, str] = {}
        self.parts: dict[Path, str] = {}  # of files that are being written
        self.done: list[str] = []
        for root in roots:
            root.mkdir()
            self.put(root / "keep.txt", self.text())  # a root without files may be one that is not mounted
        self.kept = set(self.files)

    def text(self) -> str:
        return " ".join(self.random.choices(WORDS, k=8)) + f" {self.random.randrange(40)}"

    def put(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.files[path] = text

    def place(self) -> Path:
        """A path of a file, in a folder that may not be there, and may be hidden."""
        folders = self.random.choices((*NAMES[:3], ".x"), (4, 4, 4, 1), k=self.random.randrange(3))
        return Path(self.random.choice(self.roots), *folders, f"{self.random.choice(NAMES)}.txt")

    def some_file(self) -> Path:
        found = sorted(self.files.keys() - self.kept)
        return self.random.choice(found) if found else Path()

    def some_folder(self) -> Path:
        above = {folder for path in self.files for folder in path.parents}
        found = sorted(folder for folder in above if any(root in folder.parents for root in self.roots))
        return self.random.choice(found) if found else Path()

    def step(self) -> None:
        of_files = (self.create, self.write_slowly, self.rename, self.delete, self.replace, self.copy, self.touch)
        operation = self.random.choice((*of_files, self.rename_folder, self.rename_folder, self.delete_folder))
        self.done.append(operation.__name__)
        operation()

    def create(self) -> None:
        self.put(self.place(), self.text())

    def write_slowly(self) -> None:
        path = self.place()
        if path not in self.parts:
            text = self.text()
            self.put(path, text[: len(text) // 2])
            self.parts[path] = text

    def end_writing(self) -> None:
        for path, text in self.parts.items():
            if path in self.files:
                self.put(path, text)
        self.parts.clear()

    def rename(self) -> None:
        """Move a file, within its root or to the other one; another one there is replaced."""
        old, new = self.some_file(), self.place()
        if old in self.files and old != new:
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            self.files[new] = self.files.pop(old)

    def replace(self) -> None:
        path = self.some_file()
        if path in self.files:
            beside = path.with_name(".part")
            self.files[path] = self.text()
            beside.write_text(self.files[path])
            beside.rename(path)

    def delete(self) -> None:
        path = self.some_file()
        if self.files.pop(path, None):
            path.unlink()

    def copy(self) -> None:
        path = self.some_file()
        if path in self.files:
            self.put(self.place(), self.files[path])

    def touch(self) -> None:
        path = self.some_file()
        if path in self.files:
            os.utime(path)

    def rename_folder(self) -> None:
        old = self.some_folder()
        new = self.random.choice(self.roots) / self.random.choice((*NAMES[:3], ".x", "new"))
        if old == Path() or new.exists() or old in new.parents:
            return
        old.rename(new)
        for path in [path for path in self.files if old in path.parents]:
            self.files[new / path.relative_to(old)] = self.files.pop(path)

    def delete_folder(self) -> None:
        folder = self.some_folder()
        if folder != Path() and self.random.random() < 0.5:
            shutil.rmtree(folder)
            self.files = {path: text for path, text in self.files.items() if folder not in path.parents}

    def items(self) -> dict[str, str]:
        """The items that an index of the folders has, by path."""
        shown = {path: text for path, text in self.files.items() if not any(p.startswith(".x") for p in path.parts)}
        return {str(path): blake3(text.encode()).hexdigest()[:ID_DIGITS] for path, text in shown.items()}


def indexed(settings: Settings) -> dict[str, str]:
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        return {row.path: item.id for item, rows in manifest.held() for row in rows}


def searched(settings: Settings) -> dict[str, str]:
    """The first path of each item in the engine, by the item."""
    return {point.payload.item_id: point.payload.path for point in points_of(settings).values()}


def first_paths(items: dict[str, str]) -> dict[str, str]:
    paths = sorted(items, key=os.fsencode, reverse=True)
    return {items[path]: path for path in paths}


def lose_events(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Lose a third of what the system tells of, and look often."""
    drain, chance = FolderWatch.drain, random.Random(seed)
    monkeypatch.setattr(FolderWatch, "drain", lambda self: {path for path in drain(self) if chance.random() < 2 / 3})
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(watch, "IDLE", 0)


@pytest.mark.parametrize(
    ("operations", "is_lossy"),
    [
        (12, False),
        pytest.param(1000, False, marks=pytest.mark.slow),
        pytest.param(200, True, marks=pytest.mark.slow),
    ],
)
def test_after_random_operations_the_index_has_what_the_folders_have(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, operations: int, is_lossy: bool
) -> None:
    monkeypatch.setattr(watch, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "Changes", functools.partial(Changes, quiet_seconds=0.1))
    monkeypatch.setattr(watch_session, "AGAIN_SECONDS", 0.01)
    if is_lossy:
        lose_events(monkeypatch, operations)
    folders = Folders([tmp_path / "one", tmp_path / "two"], seed=operations)
    for _ in range(10):
        folders.step()
    watching = Watching(folders.roots, settings, WatchOptions())
    try:
        watching.wait(lambda: bool(watching.reports))
        while len(folders.done) < operations:
            for _ in range(folders.random.randint(5, 20)):
                folders.step()
                time.sleep(folders.random.choice((0, 0, 0.01, 0.2)))
            folders.end_writing()
            watching.wait(lambda: indexed(settings) == folders.items())
            watching.wait(lambda: searched(settings) == first_paths(folders.items()))
    finally:
        error = watching.end()
    assert error is None
    on_disk = {path: path.read_text() for root in folders.roots for path in root.rglob("*.txt")}
    assert folders.files == on_disk
