"""Snapshots: taken at any time, restored elsewhere, equal, and refused if anything in them is not as it should be."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import ConflictError, NoIndexError, OmnisearchError, StoreError, UsageError
from omnisearch.stores import edge_link
from omnisearch.stores.lock import PAUSE_FILE, IndexLock
from omnisearch_indexer import snapshot, snapshot_folder, writer
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.restore import restore_snapshot
from omnisearch_indexer.session import index_files
from omnisearch_indexer.snapshot import FOLDER, check_snapshot, create_snapshot, list_snapshots
from omnisearch_indexer.snapshot_folder import SnapshotIndex
from omnisearch_indexer.stage import STAGE
from omnisearch_indexer.verify import verify_index
from omnisearch_indexer.writer import Writer
from tests.indexer.conftest import points_of, write_image, write_sound
from tests.indexer.damage import copy_index, wait_for_worker
from tests.indexer.sound import Sound, is_right, same
from tests.indexer.test_session import counts
from tests.stores.fake_server import FakeServer, running


@pytest.fixture(autouse=True)
def _short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)


@pytest.fixture(scope="module")
def kept(sound: Sound, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the sound index."""
    folder, index = create_snapshot(sound.settings, tmp_path_factory.mktemp("kept") / "snapshot")
    assert (index.points, index.items) == (len(sound.points), len(sound.good))
    return folder


@pytest.fixture
def copied(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(kept, tmp_path / "copied")


@pytest.fixture
def elsewhere(sound: Sound, tmp_path: Path) -> Settings:
    return sound.settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})


def test_a_restored_index_is_equal(sound: Sound, kept: Path, elsewhere: Settings) -> None:
    restore_snapshot(kept, elsewhere)
    assert is_right(elsewhere, sound)
    wait_for_worker(elsewhere)
    report = verify_index(elsewhere, None)
    assert (report.findings, report.points, report.files_read) == ([], len(sound.points), len(sound.good))
    assert counts(index_files([sound.folder], elsewhere)) == {"unchanged": len(sound.good)}
    with pytest.raises(ConflictError, match="--collection"):
        restore_snapshot(kept, elsewhere)
    beside = elsewhere.model_copy(update={"collection": "beside"})
    restore_snapshot(kept, beside)
    assert is_right(beside, sound)
    assert not (elsewhere.data_dir / STAGE).exists()


class Moments:
    """Takes snapshots while a run goes on, from another thread, as another process would.

    Each is taken at the first pause after a write with whole files; the first writes may have parts of files only.
    """

    def __init__(self, settings: Settings, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[tuple[Path, SnapshotIndex]] = []
        self._settings, self._place = settings, place
        self._threads: list[threading.Thread] = []
        self._written = False
        self._write, self._pause = Writer.write, IndexLock.pause
        monkeypatch.setattr(Writer, "write", lambda writer: self.write(writer))
        monkeypatch.setattr(IndexLock, "pause", lambda lock: self.pause(lock))

    def write(self, writer: Writer) -> list[FileProgress]:
        whole = self._write(writer)
        self._written = self._written or bool(whole)
        return whole

    def pause(self, lock: IndexLock) -> None:
        if self._written and len(self._threads) < 3:
            self._written = False
            folder = self._place / str(len(self._threads))
            thread = threading.Thread(target=lambda: self.taken.append(create_snapshot(self._settings, folder)))
            self._threads.append(thread)
            thread.start()
            with (self._settings.data_dir / PAUSE_FILE).open() as file:
                while True:
                    try:
                        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    except BlockingIOError:
                        break
                    fcntl.flock(file, fcntl.LOCK_UN)
        self._pause(lock)

    def join(self) -> list[tuple[Path, SnapshotIndex]]:
        for thread in self._threads:
            thread.join()
        return self.taken


@pytest.mark.slow
def test_a_snapshot_taken_while_files_are_indexed_is_that_of_a_moment(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FLUSH_POINTS", 1)
    settings = settings.model_copy(update={"batch_size": 2})
    folder = write_image(tmp_path / "files" / "first.png").parent
    index_files([folder], settings)
    for n in range(12):
        write_image(folder / f"{n}.png", seed=n + 1, side=16)
    with pytest.MonkeyPatch.context() as patch:
        moments = Moments(settings, tmp_path / "taken", patch)
        index_files([folder], settings)
        taken = moments.join()
    assert any(1 < index.points < 13 for _, index in taken)  # in the middle
    for n, (place, index) in enumerate(taken):
        there = settings.model_copy(update={"data_dir": tmp_path / f"there{n}"})
        restore_snapshot(place, there)
        wait_for_worker(there)
        report = verify_index(there)
        assert {one.check for one in report.findings} <= {"unfinished"}
        assert report.points == index.points
        index_files([folder], there)
        assert same(points_of(there), points_of(settings))
        assert verify_index(there).findings == []


def test_a_collection_of_a_server_is_copied_and_restored(sound: Sound, kept: Path, elsewhere: Settings) -> None:
    with running(FakeServer()) as fake:
        served = elsewhere.model_copy(update={"store": fake.url})
        restore_snapshot(kept, served)
        assert same(points_of(served), sound.points)
        back = elsewhere.model_copy(update={"data_dir": elsewhere.data_dir.with_name("back")})
        restore_snapshot(create_snapshot(served)[0], back)
        assert same(points_of(back), sound.points)
        assert verify_index(back).findings == []


def test_snapshots_are_listed_with_what_is_wrong_with_them(sound: Sound, copied: Path) -> None:
    (copied / "points.jsonl").unlink()
    (copied.parent / "no snapshot").mkdir()
    (copied.parent / "no snapshot" / "index.json").write_text("{}")
    (copied.parent / ".half.partial").mkdir()
    copy_index(sound.settings, copied.parent / "data")
    (copied.parent / "half").mkdir()
    (copied.parent / "half" / "vectors.f32").touch()
    rows = {row["name"]: row for row in list_snapshots(copied.parent)}
    assert rows.keys() == {"copied", "half"}
    assert "points.jsonl" in rows["copied"]["problem"]
    assert "index.json" in rows["half"]["problem"]


@pytest.mark.parametrize("failure", ["error", "signal"])
def test_a_failed_snapshot_leaves_nothing(
    sound: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    def fail(folder: Path) -> None:
        assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == [".mine.partial"]
        assert {one.name for one in folder.parent.iterdir()} >= {"manifest.sqlite", "points.jsonl"}
        if failure == "error":
            raise OSError(errno.ENOSPC, "No space left on device")
        os.kill(os.getpid(), signal.SIGTERM)

    killed = tmp_path / ".killed.partial"
    (killed / "embeddings").mkdir(parents=True)
    (killed / "manifest.sqlite-journal").touch()
    monkeypatch.setattr(snapshot, "sync", fail)
    with pytest.raises((StoreError, KeyboardInterrupt)):
        create_snapshot(sound.settings, tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_folders_of_other_programs_are_not_removed(sound: Sound, tmp_path: Path) -> None:
    for name, content in ((".song.partial", "chunk"), (".site.partial", "embeddings"), (".empty.partial", "")):
        (tmp_path / name).mkdir()
        if content:
            (tmp_path / name / content).mkdir()
    (tmp_path / ".site.partial" / "index.html").touch()
    create_snapshot(sound.settings, tmp_path / "mine")
    assert {one.name for one in tmp_path.iterdir()} == {".song.partial", ".site.partial", ".empty.partial", "mine"}


def test_a_snapshot_needs_an_index_and_a_new_folder(sound: Sound, settings: Settings, kept: Path) -> None:
    with pytest.raises(NoIndexError, match="`omnisearch index PATH`"):
        create_snapshot(settings)
    assert not settings.data_dir.exists()
    with pytest.raises(UsageError, match="exists"):
        create_snapshot(sound.settings, kept)


# Snapshots that somebody else made


def describe(folder: Path, **changes: Any) -> None:
    """Write `index.json` with the present sizes and hashes, so that only what is tested is wrong."""
    place = folder / snapshot_folder.SNAPSHOT_FILE
    index = json.loads(place.read_text())
    for name in [name for name in index["files"] if (folder / name).is_file()]:
        data = (folder / name).read_bytes()
        index["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    place.write_text(json.dumps(index | changes))


def set_file(folder: Path, name: str, size: int = 0) -> None:
    place = folder / snapshot_folder.SNAPSHOT_FILE
    index = json.loads(place.read_text())
    index["files"][name] = {"bytes": size, "sha256": hashlib.sha256(b"").hexdigest()}
    place.write_text(json.dumps(index))


def flip_byte(folder: Path) -> None:
    data = bytearray((folder / "vectors.f32").read_bytes())
    data[100] ^= 1
    (folder / "vectors.f32").write_bytes(data)


def replace_by_link(folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "points.jsonl").rename(outside)
    (folder / "points.jsonl").symlink_to(outside)


def replace_folder_by_link(folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "embeddings").rename(outside)
    (folder / "embeddings").symlink_to(outside)


def replace_by_pipe(folder: Path) -> None:
    (folder / "points.jsonl").unlink()
    os.mkfifo(folder / "points.jsonl")


def add_script(folder: Path) -> None:
    (folder / "embeddings" / "run.sh").write_text("rm -rf /")


def declare_huge(folder: Path) -> None:
    with (folder / "text_vectors.f32").open("r+b") as file:
        file.truncate(1 << 43)
    set_file(folder, "text_vectors.f32", 1 << 43)


def change_rows(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        place = folder / "points.jsonl"
        rows = [json.loads(line) for line in place.read_text().splitlines()]
        change(rows)
        place.write_text("".join(json.dumps(row) + "\n" for row in rows))
        describe(folder)

    return changed


def run_sql(name: str, sql: str) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        with closing(sqlite3.connect(folder / name)) as db:
            db.executescript(sql)
        describe(folder)

    return changed


def overwrite_manifest(folder: Path) -> None:
    (folder / "manifest.sqlite").write_bytes(b"x" * 9000)
    describe(folder)


def spoil_vector(number: float) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        rows = np.fromfile(folder / "vectors.f32", "<f4")
        rows[3] = number
        rows.tofile(folder / "vectors.f32")
        describe(folder)

    return changed


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "flipped byte": (flip_byte, "hash"),
    "half a file": (lambda folder: os.truncate(folder / "points.jsonl", 99), "99 bytes"),
    "no index": (lambda folder: (folder / "index.json").unlink(), "No such file"),
    "index is no JSON": (lambda folder: (folder / "index.json").write_text("{"), "no index of a snapshot"),
    "deep index": (lambda folder: (folder / "index.json").write_text("[" * 10**6), "no index of a snapshot"),
    "newer": (lambda folder: describe(folder, format=2), "install a newer omnisearch"),
    "unknown field": (lambda folder: describe(folder, hook="x"), "hook"),
    "path above": (lambda folder: set_file(folder, "../outside"), "'../outside'"),
    "absolute path": (lambda folder: set_file(folder, "/etc/passwd"), "'/etc/passwd'"),
    "path through": (lambda folder: set_file(folder, "embeddings/../../x.f32"), "is not one of a snapshot"),
    "code": (lambda folder: set_file(folder, "embeddings/x.py"), "is not one of a snapshot"),
    "script": (add_script, "run.sh is not named"),
    "link": (replace_by_link, "plain file"),
    "link to a folder": (replace_folder_by_link, "embeddings"),
    "pipe": (replace_by_pipe, "plain file"),
    "huge": (declare_huge, "bytes free"),
    "trigger": (
        run_sql("manifest.sqlite", "CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM items; END"),
        "trigger t",
    ),
    "view": (run_sql("embeddings/index.sqlite", "CREATE VIEW v AS SELECT 1"), "view v"),
    "no database": (overwrite_manifest, "no SQLite file"),
    "damaged item": (run_sql("manifest.sqlite", "UPDATE items SET modality = 'imago'"), "damaged"),
    "width of rows": (run_sql("embeddings/index.sqlite", "UPDATE tables SET dim = -1"), "malformed"),
    "path of rows": (
        run_sql("embeddings/index.sqlite", "UPDATE tables SET modality = '../x' WHERE id = 1"),
        "malformed",
    ),
    "rows that are not there": (run_sql("embeddings/index.sqlite", "UPDATE tables SET size = size + 1"), "rows"),
    "another model": (lambda folder: describe(folder, fingerprint="f" * 64), "another model"),
    "infinite vector": (spoil_vector(np.inf), "finite"),
    "fewer points": (change_rows(lambda rows: rows.pop() and None), "rows"),
    "a point twice": (change_rows(lambda rows: rows.__setitem__(0, rows[1])), "do not match"),
    "id of another": (change_rows(lambda rows: rows[0].__setitem__("id", rows[1]["id"])), "line 1: the id"),
    "deep payload": (change_rows(lambda rows: rows[2].__setitem__("readings", [[[[]]]])), "line 3"),
    "unknown field of a point": (change_rows(lambda rows: rows[0].__setitem__("code", "x")), "line 1: code"),
    "wrong type": (change_rows(lambda rows: rows[0].__setitem__("size", "1")), "line 1: size"),
    "long text": (change_rows(lambda rows: rows[0].__setitem__("snippet", "x" * 10**5)), "characters"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_snapshot_is_refused_with_its_reason(copied: Path, elsewhere: Settings, case: str) -> None:
    change, reason = REFUSED[case]
    change(copied)
    with pytest.raises(OmnisearchError, match=reason) as refused:
        restore_snapshot(copied, elsewhere)
    assert isinstance(refused.value, UsageError | StoreError)
    assert not (elsewhere.data_dir / "manifest.sqlite").exists()
    assert not (elsewhere.data_dir / "embeddings").exists()
    assert sorted(path.name for path in copied.parent.iterdir() if path.name == "x.f32") == []


def test_the_copy_that_is_changed_would_be_restored(copied: Path, elsewhere: Settings) -> None:
    """Nothing else about it makes the cases above fail."""
    change_rows(lambda rows: None)(copied)
    restore_snapshot(copied, elsewhere)


def test_an_interrupted_restore_is_begun_again(
    sound: Sound, kept: Path, elsewhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the alias has moved and the embeddings are in place: the latest moment at which it is no index."""

    class KilledError(BaseException):
        pass

    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if path.name == "manifest.sqlite":
            raise KilledError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KilledError):
        restore_snapshot(kept, elsewhere)
    monkeypatch.undo()
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)
    restore_snapshot(kept, elsewhere)
    assert is_right(elsewhere, sound)
    assert len(list((elsewhere.data_dir / "vectors").glob("omni__*"))) == 1


def test_the_commands(sound: Sound, elsewhere: Settings, tmp_path: Path, call: Callable[..., tuple[int, str]]) -> None:
    from_, to = ("--data-dir", sound.settings.data_dir), ("--data-dir", elsewhere.data_dir)
    status, stdout = call("snapshot", "create", tmp_path / "made", *from_)
    made = json.loads(stdout)
    assert (status, made["path"], made["points"]) == (0, str(tmp_path / "made"), len(sound.points))
    _, stdout = call("snapshot", "ls", tmp_path)
    assert [json.loads(line)["name"] for line in stdout.splitlines() if not json.loads(line)["problem"]] == ["made"]
    assert call("snapshot", "verify", tmp_path / "made")[0] == 0
    assert json.loads(call("snapshot", "restore", tmp_path / "made", *to)[1])["items"] == len(sound.good)
    flip_byte(tmp_path / "made")
    assert call("snapshot", "verify", tmp_path / "made")[0] == 2
    with pytest.raises(UsageError, match="hash"):
        check_snapshot(tmp_path / "made")
    _, stdout = call("snapshot", "create", *to)
    assert Path(json.loads(stdout)["path"]).parent == elsewhere.data_dir / FOLDER


def test_a_sound_whose_end_the_engine_reads_a_little_differently_is_sound(settings: Settings, tmp_path: Path) -> None:
    samples, rate = 544_448, 44_100  # of 5,000 ends in samples at this rate, the engine moves 519 by one digit
    write_sound(tmp_path / "files" / "hens.wav", samples / rate, rate=rate)
    index_files([tmp_path / "files"], settings)
    ends = {point.payload.segment.end for point in points_of(settings).values()}
    assert samples / rate not in ends  # or this tests nothing
    assert verify_index(settings).findings == []
    folder, _ = create_snapshot(settings, tmp_path / "snapshot")
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    restore_snapshot(folder, elsewhere)
    assert verify_index(elsewhere).findings == []
