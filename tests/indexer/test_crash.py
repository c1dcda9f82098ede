"""Runs that die, runs that are interrupted, and two at once: each in a process of its own."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import keys_of, points_of, write_good, write_image
from tests.indexer.test_session import _same

# Runs that kill themselves at the n-th durable step, the calls between which a crash can leave something half done,
# for n = 1, 2, ... until one lives to its end. Each is a fork of one process that has imported everything and
# started nothing.
DRIVER = """
import os, signal, sys
from pathlib import Path
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.stores import edge
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer import session, writer
from omnisearch_indexer.intents import Intents
from omnisearch_indexer.manifest import Manifest

left = 0
writer.FLUSH_POINTS = 1  # embeddings of files that are not whole yet are written, too

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def around(owner, name):
    original = getattr(owner, name)
    def wrapped(*args, **kwargs):
        step()
        result = original(*args, **kwargs)
        step()
        return result
    setattr(owner, name, wrapped)

store = next(c for c in vars(edge).values() if isinstance(c, type) and {"upsert", "describe", "delete"} <= set(dir(c)))
for name in ("upsert", "describe", "delete"):
    around(store, name)
for name in ("put_items", "put_files", "drop_files", "forget"):
    around(Manifest, name)
for name in ("add", "settle"):
    around(Intents, name)
around(SpaceEmbeddingStore, "flush")
settings = load_settings(model=sys.argv[1], data_dir=Path(sys.argv[2]), workers=2, batch_size=2)
OmniBind.load(settings.model, settings)
for at in range(1, 200):
    if not (child := os.fork()):
        left = at
        session.index_files([Path(sys.argv[3])], settings)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        break
print(at)
sys.exit(status)
"""


FILES = 150


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(run: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a process."""
    stdout, stderr = run.communicate()
    return run.returncode, stdout, stderr


def command(settings: Settings, *arguments: object) -> "subprocess.Popen[str]":
    flags = ("--data-dir", settings.data_dir, "--model", settings.model, "--format", "json")
    return start("-m", "omnisearch", *arguments, *flags)


@pytest.mark.slow
def test_a_kill_at_every_step_loses_and_doubles_nothing(tmp_path: Path, settings: Settings) -> None:
    """Once from nothing, then over a change of every kind, from one and the same data directory on."""
    folder = tmp_path / "files"
    for change in (None, "change"):
        if change:
            write_image(folder / "fresh.png", seed=8)
            write_image(folder / "pictures" / "p0.png", seed=9)
            (folder / "s0.wav").rename(folder / "moved.wav")
            (folder / "copy.txt").write_bytes((folder / "note0.txt").read_bytes())
            (folder / "m0.stl").unlink()
        else:
            for path in write_good(folder)[4:]:
                path.unlink()
        status, stdout, stderr = ended(start("-c", DRIVER, settings.model, settings.data_dir, folder))
        assert status == 0, stderr
        assert int(stdout) > 2  # killed before anything was done, and later at least once
        fresh = settings.model_copy(update={"data_dir": tmp_path / f"fresh{change}"})
        index_files([folder], fresh)
        assert _same(points_of(settings), points_of(fresh))
        assert keys_of(settings) == set(points_of(fresh))


@pytest.mark.slow
def test_kills_at_random(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "files"
    for n in range(60):
        write_image(folder / f"{n}.png", seed=n)
    fresh = settings.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([folder], fresh)
    chance = random.Random(0)
    for _ in range(8):
        run = command(settings, "index", folder)
        time.sleep(chance.uniform(0.5, 5))
        run.kill()
        run.communicate()
    assert ended(command(settings, "index", folder))[0] == 0
    assert _same(points_of(settings), points_of(fresh))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on_later(tmp_path: Path, settings: Settings, number: signal.Signals) -> None:
    folder = tmp_path / "files"
    for n in range(FILES):
        write_image(folder / f"{n:03}.png", seed=n)
    run = command(settings, "index", folder, "--batch-size", 1)
    while not list(settings.data_dir.glob("embeddings/*.f32")) and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(number)
    status, stdout, stderr = ended(run)
    assert status == 130, stderr
    report = json.loads(stdout)
    assert report["interrupted"]
    assert report["pending"] > 0
    assert report["indexed"] > 0
    assert report["seen"] == report["indexed"] + report["pending"]
    later = index_files([folder], settings)
    assert (later.outcomes[Outcome.UNCHANGED], later.indexed) == (report["indexed"], FILES)


def test_two_indexers(tmp_path: Path, settings: Settings) -> None:
    folder = write_image(tmp_path / "files" / "p.png").parent
    with hold_lock(settings.data_dir):
        status, _, stderr = ended(command(settings, "index", folder))
    assert (status, f"process {os.getpid()}" in stderr) == (4, True)
    assert index_files([folder], settings).indexed == 1


def test_the_commands(tmp_path: Path, settings: Settings, call: Callable[..., tuple[int, str]]) -> None:
    folder = write_image(tmp_path / "files" / "p.png").parent
    flags = ("--data-dir", settings.data_dir)
    model = ("--model", settings.model, "--format", "json")
    assert call("index", tmp_path / "nowhere", *flags, *model)[0] == 2
    (folder / "empty.txt").touch()
    for _ in range(2):
        status, stdout = call("index", folder, *flags, *model)
        assert (status, json.loads(stdout)["reasons"]) == (3, {"empty": 1})
    _, stdout = call("errors", *flags)
    assert json.loads(stdout)["path"] == str(folder / "empty.txt")
    _, stdout = call("status", *flags)
    assert json.loads(stdout)["items"] == {"image": 1}
    assert call("status", "--data-dir", tmp_path / "none")[0] == 4


def test_a_damaged_or_newer_manifest_is_refused(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    from omnisearch.errors import StoreError

    path = tmp_path / "manifest.sqlite"
    Manifest(path, create=True).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="99"):
        Manifest(path, create=True)
    path.write_bytes(b"no database at all, but long enough to look at" * 100)
    with pytest.raises(StoreError, match="damaged"):
        Manifest(path, create=True)
