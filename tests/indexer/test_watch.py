"""`omnisearch index --watch`: what changes is indexed, and nothing else is locked or looked at meanwhile."""

import functools
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import NoIndexError
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer import local_files, watch, watch_session
from omnisearch_indexer.changes import Changes
from omnisearch_indexer.folder_watch import FolderWatch, WatchLimitError
from omnisearch_indexer.forget import forget_paths
from omnisearch_indexer.globs import parse_globs
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.report import Report
from omnisearch_indexer.watch import WatchOptions
from omnisearch_indexer.watch_session import watch_files
from tests.conftest import Ended
from tests.indexer.conftest import write_image

PATIENCE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "Changes", functools.partial(Changes, quiet_seconds=0.05))
    monkeypatch.setattr(watch_session, "AGAIN_SECONDS", 0.01)


def put(path: Path, seed: int) -> None:
    """Write a picture in one step, so that a watch sees one change."""
    path.parent.mkdir(exist_ok=True)
    above = next(folder for folder in path.parents if folder.name == "files").parent
    write_image(above / "parts" / path.name, seed).rename(path)


class Watching:
    """A watch in a thread of its own."""

    def __init__(self, roots: list[Path], settings: Settings, options: WatchOptions) -> None:
        self.settings, self.stop = settings, threading.Event()
        self.reports: list[Report] = []
        self.messages: list[str] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(roots, options))
        self._thread.start()

    def _run(self, roots: list[Path], options: WatchOptions) -> None:
        try:
            watch_files(roots, self.settings, options, self.reports.append, self.messages.append, stop=self.stop)
        except Exception as error:
            self.error = error

    def paths(self) -> set[str]:
        """The names of the indexed files."""
        with closing(Manifest(self.settings.data_dir / MANIFEST_FILE)) as manifest:
            return {Path(row.path).name for _, rows in manifest.held() for row in rows}

    def wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert self._thread.is_alive(), self.error
            assert time.monotonic() < deadline, (self.paths(), self.reports, self.messages)
            time.sleep(0.02)

    def wait_for(self, *names: str) -> None:
        self.wait(lambda: self.paths() == set(names))

    def end(self) -> Exception | None:
        self.stop.set()
        self._thread.join()
        return self.error


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def go(*roots: Path, **options: object) -> Watching:
        started.append(Watching(list(roots), settings, WatchOptions(**options)))
        started[-1].wait(lambda: bool(started[-1].reports))
        return started[-1]

    yield go
    for each in started:
        each.end()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for n, name in enumerate(("a.png", "old/b.png", "old/in/c.png")):
        write_image(tmp_path / "files" / name, seed=n)
    return tmp_path / "files"


def test_what_changes_is_indexed_by_one_model(
    files: Path, start: Callable[..., Watching], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = OmniBind.load
    monkeypatch.setattr(OmniBind, "load", lambda name, *rest, **more: loads.append(name) or load(name, *rest, **more))
    watching = start(files)
    with hold_lock(settings.index_dir):  # other commands can write while the watch waits
        put(files / "new" / "d.png", seed=3)
        watching.wait(lambda: any("is being indexed by process" in message for message in watching.messages))
    watching.wait_for("a.png", "b.png", "c.png", "d.png")
    (files / "old").rename(files / "moved")
    watching.wait(lambda: watching.reports[-1].outcomes["moved"] == 2)
    (files / "moved" / "in" / "c.png").unlink()
    put(files / "new" / "e.png", seed=4)  # a folder that was made after the start
    watching.wait_for("a.png", "b.png", "d.png", "e.png")
    (files / ".omnisearchignore").write_text("e.png\n")
    watching.wait_for("a.png", "b.png", "d.png")
    assert sum(report.seen for report in watching.reports[1:]) < 10
    assert watching.end() is None
    assert loads == [settings.model]


def test_other_places_and_what_is_left_out_cause_no_run(files: Path, start: Callable[..., Watching]) -> None:
    watching = start(files, globs=parse_globs([], ["drafts/"]))
    put(files / "drafts" / "x.png", seed=7)
    (files / ".hidden").write_text("x")
    (files / "a.png").chmod(0o600)
    watching.wait(lambda: len(watching.reports) == 2)  # the ctime is another one
    put(files / "d.png", seed=3)
    watching.wait(lambda: len(watching.reports) == 3)
    assert watching.paths() == {"a.png", "b.png", "c.png", "d.png"}
    assert [report.seen for report in watching.reports] == [3, 1, 1]


def test_a_change_that_the_system_did_not_tell_is_found_by_looking(
    files: Path, start: Callable[..., Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderWatch, "drain", lambda _: set())
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(watch, "IDLE", 0)
    watching = start(files)
    put(files / "d.png", seed=3)
    (files / "a.png").unlink()
    watching.wait_for("b.png", "c.png", "d.png")
    monkeypatch.setattr(local_files, "open_file", lambda *_: pytest.fail("a file of a moved folder was opened"))
    (files / "old").rename(files / "moved")
    watching.wait(lambda: watching.reports[-1].outcomes["moved"] == 2)
    assert watching.paths() == {"b.png", "c.png", "d.png"}


def test_an_error_while_changes_are_collected_loses_none(
    files: Path, start: Callable[..., Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = start(files)
    drain, errors = FolderWatch.drain, [ValueError("a fault in this program")]

    def fail(self: FolderWatch) -> set[str]:
        found = drain(self)
        if found and errors:
            raise errors.pop()
        return found

    monkeypatch.setattr(FolderWatch, "drain", fail)
    put(files / "d.png", 5)
    watching.wait_for("a.png", "b.png", "c.png", "d.png")
    put(files / "old" / "e.png", 6)
    watching.wait_for("a.png", "b.png", "c.png", "d.png", "e.png")
    assert errors == []


def test_a_watch_that_is_stopped_walks_no_further(
    files: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    covered: list[set[str]] = []
    monkeypatch.setattr(FolderWatch, "cover", lambda self, folders: covered.append(set(folders)))
    stop, told = threading.Event(), list[str]()
    for _ in range(2):
        with watch.Watch([str(files)], settings, WatchOptions(), told.append, stop):
            stop.set()
    assert covered == [{str(files), str(files / "old"), str(files / "old" / "in")}, {str(files)}]


@pytest.mark.parametrize("cause", ["limit", "network", "option", "lost"])
def test_files_are_polled_where_the_system_does_not_tell(
    files: Path, start: Callable[..., Watching], monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    def refuse(*_: object) -> None:
        raise WatchLimitError("the system does not watch 3 folders")

    drain, losses = FolderWatch.drain, iter(["lost"])

    def lose(folders: FolderWatch) -> set[str]:
        found = drain(folders)
        if found and next(losses, ""):
            raise OSError("lost")
        return found

    monkeypatch.setattr(watch, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(watch, "IDLE", 0)
    if cause == "limit":
        monkeypatch.setattr(FolderWatch, "cover", refuse)
    elif cause == "network":
        monkeypatch.setattr(watch, "find_network_mounts", lambda root: [root])
    elif cause == "lost":
        monkeypatch.setattr(FolderWatch, "drain", lose)
    watching = start(files, poll_seconds=0.1 if cause == "option" else None)
    put(files / "d.png", seed=3)
    watching.wait_for("a.png", "b.png", "c.png", "d.png")
    said = {"limit": "does not watch 3 folders", "network": "is on a network", "option": "", "lost": ""}[cause]
    assert [said in message for message in watching.messages] == ([True] if said else [])


def test_a_forgotten_root_is_watched_no_longer(files: Path, start: Callable[..., Watching], settings: Settings) -> None:
    watching = start(files / "old", files / "a.png")
    forget_paths([files / "old"], settings)
    put(files / "old" / "d.png", seed=3)
    put(files / "a.png", seed=4)  # a root that is a file
    watching.wait(lambda: watching.reports[-1].outcomes["changed"] == 1)
    watching.wait(lambda: len(watching.messages) == 1)
    assert "old was forgotten" in watching.messages[0]
    assert watching.paths() == {"a.png"}
    forget_paths([files / "a.png"], settings)
    put(files / "a.png", seed=5)
    watching._thread.join(PATIENCE_SECONDS)
    assert isinstance(watching.error, NoIndexError)


@pytest.mark.parametrize(("bad", "code"), [(False, 0), (True, 3)])
def test_the_command_ends_as_its_last_run_when_it_is_interrupted_while_it_waits(
    files: Path,
    settings: Settings,
    run_here: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    bad: bool,
    code: int,
) -> None:
    batches = watch.Watch.batches

    def interrupt(self: watch.Watch) -> Iterator[Sequence[str]]:
        os.kill(os.getpid(), signal.SIGINT)
        return batches(self)

    monkeypatch.setattr(watch.Watch, "batches", interrupt)
    if bad:
        (files / "empty.png").touch()
    options = ("--model", settings.model, "--data-dir", settings.data_dir, "--format", "jsonl")
    ended = run_here("index", files, "--watch", *options)
    assert ended.returncode == code, ended.stderr
    assert json.loads(ended.stdout)["new"] == 3
    assert run_here("index", files, "--poll", "9").returncode == 2
    assert run_here("index", files, "--watch", "--dry-run", *options).returncode == 2


def test_a_root_that_is_away_is_kept_and_watched_when_it_is_back(
    files: Path, start: Callable[..., Watching], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(watch, "IDLE", 0)
    watching = start(files)
    files.rename(files.with_name("away"))
    watching.wait(lambda: bool(watching.reports[-1].kept))
    assert watching.paths() == {"a.png", "b.png", "c.png"}
    files.with_name("away").rename(files)
    put(files / "d.png", seed=3)
    watching.wait_for("a.png", "b.png", "c.png", "d.png")
    watching.wait(lambda: not watching.reports[-1].kept)
