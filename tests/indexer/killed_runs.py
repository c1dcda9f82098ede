"""Commands that die: at every durable step, at random moments, and by power cuts.

    python -m tests.indexer.killed_runs HOW MODEL FOLDER PLACE [ARGUMENT]

HOW is `compact`, `create` or `restore` (a kill at each step in turn, over copies of the index or from the snapshot
ARGUMENT), `mirror` (the same for the copies of objects), `kills` (ARGUMENT random SIGKILLs of runs over a changing
folder) or `cuts` (as many power cuts). PLACE is scratch. Every run is a fork of one process that has imported
everything and started nothing. Prints the number of deaths; the exit status is not 0 if anything was lost, doubled or
stale after one.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.meter import SILENT
from omnisearch.stores import validation
from omnisearch.stores.edge import EdgeCatalog, EdgeStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer import session, writer
from omnisearch_indexer.check_result import CheckState
from omnisearch_indexer.compact import compact_index
from omnisearch_indexer.globs import ALL
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.object_store.address import MIRRORS_FOLDER, ObjectAddress
from omnisearch_indexer.object_store.mirror import PARTIAL_FOLDER, Selection, update_mirrors
from omnisearch_indexer.restore import restore_snapshot
from omnisearch_indexer.snapshot import check_snapshot, create_snapshot
from omnisearch_indexer.verify import verify_index
from tests.indexer.conftest import points_of, write_image, write_sound
from tests.indexer.damage import copy_data
from tests.indexer.fake_objects import fake_objects

STEPS = [
    (os, ("rename", "replace", "unlink", "fsync")),
    (shutil, ("rmtree",)),
    (EdgeStore, ("upsert",)),
    (EdgeCatalog, ("create", "point", "drop")),
    (SpaceEmbeddingStore, ("flush", "_rewrite")),
    (Manifest, ("rename", "vacuum")),
]
MOST_STEPS = 300
DISK_BYTES = 600 << 20
PHOTOS = ObjectAddress("s3", "bucket", "photos")
RUN_SECONDS = 1.0  # about as long as a run takes
left = 0


def step() -> None:
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def count_steps() -> None:
    """Put a step before and after each of the calls."""

    def around(owner: object, name: str) -> None:
        original = getattr(owner, name)

        def wrapped(*arguments: object, **options: object) -> object:
            step()
            result = original(*arguments, **options)
            step()
            return result

        setattr(owner, name, wrapped)

    for owner, names in STEPS:
        for name in names:
            around(owner, name)


def fork(run: Callable[[], object]) -> int:
    """Start a run in a process of its own, and return its id."""
    if child := os.fork():
        return child
    status = 1
    try:
        run()
        status = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    os._exit(status)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def require(run: Callable[[], object]) -> None:
    if status := ended(fork(run)):
        sys.exit(f"a check ended with {status}")


def is_sound(settings: Settings) -> None:
    """Raise if the index is damaged."""
    found = [one.value for one in verify_index(settings).findings if one.state is CheckState.FAIL]
    assert not found, found


def is_equal(settings: Settings, other: Settings) -> None:
    """Raise if points of one index are not those of the other: lost, doubled or stale."""
    one, same = points_of(settings), points_of(other)
    lost, doubled = same.keys() - one.keys(), one.keys() - same.keys()
    stale = [
        key
        for key in one.keys() & same.keys()
        if one[key].payload != same[key].payload or not np.allclose(one[key].vector, same[key].vector, atol=1e-6)
    ]
    assert (lost, doubled, stale) == (set(), set(), [])
    assert verify_index(settings).findings == []


def at_every_step(begin: Callable[[], None], run: Callable[[], object], check: Callable[[], object]) -> int:
    """Kill a run at its n-th step, for n = 1, 2, ... until one lives; return the number of kills."""
    global left
    for at in range(1, MOST_STEPS):
        begin()

        def killed(at: int = at) -> None:
            global left
            count_steps()
            left = at
            run()

        status = ended(fork(killed))
        require(check)
        if status != -signal.SIGKILL:
            assert status == 0
            return at - 1
    raise AssertionError(f"it has more than {MOST_STEPS} steps")


def compact_kills(sound: Settings, place: Path) -> int:
    killed = sound.model_copy(update={"data_dir": place / "killed"})

    def begin() -> None:
        kill_worker(killed)
        shutil.rmtree(killed.data_dir, ignore_errors=True)
        shutil.copytree(
            sound.data_dir, killed.data_dir, ignore=shutil.ignore_patterns("*.lock"), copy_function=copy_data
        )

    def check() -> None:
        is_equal(killed, sound)

    return at_every_step(begin, lambda: compact_index(killed), check)


def create_kills(sound: Settings, place: Path) -> int:
    target = place / "snapshot"

    def begin() -> None:
        shutil.rmtree(target, ignore_errors=True)

    def check() -> None:
        is_sound(sound)
        if target.exists():  # it is complete
            check_snapshot(target)

    return at_every_step(begin, lambda: create_snapshot(sound, target), check)


def restore_kills(sound: Settings, place: Path, snapshot: Path) -> int:
    killed = sound.model_copy(update={"data_dir": place / "killed"})

    def begin() -> None:
        kill_worker(killed)
        if (killed.data_dir / MANIFEST_FILE).exists():  # else it goes on over what the last kill left
            shutil.rmtree(killed.data_dir)

    def check() -> None:
        if (killed.data_dir / MANIFEST_FILE).exists():
            is_equal(killed, sound)

    return at_every_step(begin, lambda: restore_snapshot(snapshot, killed), check)


def mirror_kills(settings: Settings, place: Path) -> int:
    killed = settings.model_copy(update={"data_dir": place / "killed"})
    mirror = Path(PHOTOS.bucket_mirror(killed))

    def update() -> None:
        update_mirrors([PHOTOS], killed, Selection(False, ALL, False), threading.Event(), SILENT)

    with fake_objects() as fake:

        def put(key: str, content: bytes) -> None:
            fake.put(f"bucket/photos/{key}", content)

        def copies() -> dict[str, bytes]:
            return {f"bucket/{path.relative_to(mirror)}": path.read_bytes() for path in mirror.rglob("*.*")}

        def begin() -> None:
            shutil.rmtree(killed.data_dir, ignore_errors=True)
            fake.objects.clear()
            for key in ("stays.txt", "changes.txt", "goes.txt", "folder/goes.txt", "becomes/a.txt", "becomes/b.txt"):
                put(key, b"old " * 9)
            require(update)
            for key in ("goes.txt", "folder/goes.txt", "becomes/a.txt", "becomes/b.txt"):
                del fake.objects[f"bucket/photos/{key}"]
            for key in ("changes.txt", "new.txt", "new/folder/a.txt", "becomes"):
                put(key, b"new " * 9)

        def check() -> None:
            assert set(copies().values()) <= {b"old " * 9, b"new " * 9}
            update()
            expected = {name: content for name, (content, _) in fake.objects.items()}
            assert copies() | {"bucket/photos/becomes": (mirror / "photos/becomes").read_bytes()} == expected
            assert not list((killed.data_dir / MIRRORS_FOLDER / PARTIAL_FOLDER).iterdir())

        return at_every_step(begin, update, check)


class Changes:
    """A folder in which something changes before every run."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self._chance, self._made = folder, chance, 0
        for _ in range(12):
            self._add()

    def make(self) -> None:
        files = sorted(path for path in self.folder.iterdir())
        for _ in range(2):
            one = self._chance.choice(files)
            kind = self._chance.choice(("add", "change", "delete", "rename", "copy"))
            self._made += 1
            if kind == "change" and one.suffix == ".png" and one.exists():
                write_image(one, seed=self._made, side=16)
            elif kind == "delete" and len(files) > 8:
                one.unlink(missing_ok=True)
            elif kind == "rename" and one.exists():
                one.rename(one.with_stem(f"moved{self._made}"))
            elif kind == "copy" and one.exists():
                shutil.copyfile(one, one.with_stem(f"copy{self._made}"))
            else:
                self._add()

    def _add(self) -> None:
        self._made += 1
        if self._made % 3:
            write_image(self.folder / f"{self._made}.png", seed=self._made, side=16)
        else:
            write_sound(self.folder / f"{self._made}.wav", 0.6, seed=self._made)


def random_kills(settings: Settings, folder: Path, place: Path, deaths: int) -> int:
    chance = random.Random(0)
    changes = Changes(folder, chance)
    require(lambda: session.index_files([folder], settings))
    killed = 0
    while killed < deaths:
        changes.make()
        child = fork(lambda: session.index_files([folder], settings))
        time.sleep(chance.uniform(0, RUN_SECONDS))
        if chance.random() < 0.2:
            kill_worker(settings)
        os.kill(child, signal.SIGKILL)
        killed += ended(child) == -signal.SIGKILL
        if killed % 10 == 0:
            require(lambda: is_sound(settings))
    finish(settings, folder, place)
    return killed


def kill_worker(settings: Settings, number: int = signal.SIGKILL) -> None:
    """Send a signal to the engine's process, if there is one."""
    try:
        pid = json.loads((settings.data_dir / "vectors" / "worker.lock").read_text())["pid"]
        os.kill(pid, number)
    except (OSError, ValueError):
        pass


def finish(settings: Settings, folder: Path, place: Path) -> None:
    """Let a run come to its end, and compare its index with a new one."""
    fresh = settings.model_copy(update={"data_dir": place / "fresh"})
    for one in (settings, fresh):
        require(lambda one=one: session.index_files([folder], one))  # type: ignore[misc]
    require(lambda: is_equal(settings, fresh))


def power_cuts(settings: Settings, folder: Path, place: Path, deaths: int) -> int:
    """Copy the disk in the middle of a run, without what the system had not written yet, and go on with the copy."""
    chance = random.Random(1)
    changes = Changes(folder, chance)
    disk, point = place / "disk", place / "mounted"
    point.mkdir()
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
    settings = settings.model_copy(update={"data_dir": point / "data"})
    for cut in range(deaths):
        with mounted(disk, point, settings):
            if cut == 0:
                require(lambda: session.index_files([folder], settings))
            require(lambda: is_sound(settings))
            changes.make()
            child = fork(lambda: session.index_files([folder], settings))
            time.sleep(chance.uniform(0, RUN_SECONDS))
            os.kill(child, signal.SIGSTOP)
            kill_worker(settings, signal.SIGSTOP)
            copy_disk(disk, place / "cut")
            kill_worker(settings)
            os.kill(child, signal.SIGKILL)
            ended(child)
        (place / "cut").replace(disk)
    with mounted(disk, point, settings):
        require(lambda: is_sound(settings))
        finish(settings, folder, place)
    return deaths


def copy_disk(disk: Path, copy: Path) -> None:
    """Copy the disk as it is at one moment: the system may move what its journal holds while it is copied."""
    while subprocess.run(["cmp", "--silent", disk, copy]).returncode:
        subprocess.run(["cp", "--sparse=always", disk, copy], check=True)


@contextmanager
def mounted(disk: Path, point: Path, settings: Settings) -> Iterator[None]:
    subprocess.run(["mount", "-o", "loop", disk, point], check=True)
    try:
        yield
    finally:
        kill_worker(settings)
        for _ in range(50):
            if not subprocess.run(["umount", point], capture_output=True).returncode:
                break
            time.sleep(0.1)
        else:
            subprocess.run(["umount", "-l", point], check=True)


def main() -> None:
    how, model, folder, place, *rest = sys.argv[1:]
    validation.RESERVE = 0  # the disks of the tests are smaller
    writer.FLUSH_POINTS = 1
    settings = load_settings(model=model, data_dir=Path(place) / "data", workers=1, batch_size=2)
    OmniBind.load(settings.model, settings)
    runs: dict[str, Callable[[], int]] = {
        "compact": lambda: compact_kills(settings.model_copy(update={"data_dir": Path(rest[0])}), Path(place)),
        "create": lambda: create_kills(settings.model_copy(update={"data_dir": Path(rest[0])}), Path(place)),
        "restore": lambda: restore_kills(
            settings.model_copy(update={"data_dir": Path(rest[0])}), Path(place), Path(rest[1])
        ),
        "mirror": lambda: mirror_kills(settings, Path(place)),
        "kills": lambda: random_kills(settings, Path(folder), Path(place), int(rest[0])),
        "cuts": lambda: power_cuts(settings, Path(folder), Path(place), int(rest[0])),
    }
    sys.stdout.write(f"{runs[how]()}\n")


if __name__ == "__main__":
    main()
