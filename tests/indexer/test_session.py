"""Whole runs with the real decoder, engine and a model without weights."""

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, Reason, UsageError
from omnisearch.media.pool import DecoderPool
from omnisearch.stores import edge_link
from omnisearch.wire import Message
from omnisearch_indexer import local_files, session, writer
from omnisearch_indexer.dry_run import dry_run_files
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures, read_status
from tests.conftest import write_hashed_model
from tests.indexer.conftest import NO_TEXT, paths_of, points_of, write_good, write_hostile, write_image, write_sound
from tests.stores.test_edge_worker import kill_worker, worker_pid

DOCS = Path(__file__).parents[2] / "docs"


def counts(report: Report) -> dict[str, int]:
    found = {outcome.value: n for outcome, n in report.outcomes.items() if n}
    return {**found, "removed": report.removed} if report.removed else found


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that a run opens."""
    names: list[str] = []
    original = local_files.open_file

    def spy(path: Path, follow_links: bool = True) -> int:
        names.append(path.name)
        return original(path, follow_links)

    monkeypatch.setattr(local_files, "open_file", spy)
    return names


def test_a_hostile_folder_is_indexed_but_for_its_bad_files(tmp_path: Path, settings: Settings) -> None:
    good = write_good(tmp_path / "files")
    write_hostile(tmp_path / "files" / "bad")
    (tmp_path / "files" / "archive.zip").write_bytes(b"PK\x03\x04" + bytes(200))
    (tmp_path / "files" / "other.png").symlink_to(good[1])
    report = index_files([tmp_path / "files"], settings)
    failed = {Path(row["path"]).name: row["reason"] for row in read_failures(settings, False)}
    assert failed == {
        "empty.txt": Reason.EMPTY,
        "truncated.jpg": Reason.DAMAGED,
        "silent.wav": Reason.TOO_SHORT,
        "huge.ply": failed["huge.ply"],
        "broken.txt": Reason.UNDECODABLE_TEXT,
        "pipe": Reason.NOT_REGULAR,
        "loop": Reason.LINK_LOOP,
        "self": Reason.LINK_LOOP,
    }
    assert failed["huge.ply"] in {Reason.TOO_MANY_VERTICES, Reason.DAMAGED}
    assert counts(report) == {"new": len(good), "failed": len(failed), "unsupported": 1}
    assert report.links == 1
    assert paths_of(settings) == {str(path) for path in good}
    again = index_files([tmp_path / "files"], settings)
    assert counts(again) == {"unchanged": len(good), "failed": len(failed), "unsupported": 1}


def test_a_second_run_opens_nothing(tmp_path: Path, settings: Settings, opened: list[str]) -> None:
    good = write_good(tmp_path / "files")
    index_files([tmp_path / "files"], settings)
    assert len(opened) == len(good)
    opened.clear()
    report = index_files([tmp_path / "files"], settings)
    assert (opened, counts(report), report.segments) == ([], {"unchanged": len(good)}, 0)


def test_a_failed_file_is_read_again_only_when_asked(tmp_path: Path, settings: Settings, opened: list[str]) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "broken.txt").write_bytes(NO_TEXT)
    index_files([tmp_path / "files"], settings)
    opened.clear()
    assert counts(index_files([tmp_path / "files"], settings)) == {"failed": 1}
    assert opened == []
    assert counts(index_files([tmp_path / "files"], settings, retry_failed=True)) == {"failed": 1}
    assert opened == ["broken.txt"]


def _rename(folder: Path) -> None:
    (folder / "a.png").rename(folder / "z.png")


def _copy(folder: Path) -> None:
    (folder / "0.png").write_bytes((folder / "a.png").read_bytes())


def _delete(folder: Path) -> None:
    (folder / "a.png").unlink()


def _modify(folder: Path) -> None:
    write_image(folder / "a.png", seed=77)


def _spoil(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "expected", "names"),
    [
        (_rename, {"unchanged": 1, "moved": 1}, {"b.png", "z.png"}),
        (_copy, {"unchanged": 2, "duplicate": 1}, {"0.png", "b.png"}),
        (_delete, {"unchanged": 1, "removed": 1}, {"b.png"}),
        (_modify, {"unchanged": 1, "changed": 1}, {"a.png", "b.png"}),
        (_spoil, {"unchanged": 1, "failed": 1}, {"b.png"}),
    ],
)
def test_a_change_on_disk(
    tmp_path: Path, settings: Settings, change: Callable[[Path], None], expected: dict[str, int], names: set[str]
) -> None:
    folder = tmp_path / "files"
    for n, name in enumerate("ab"):
        write_image(folder / f"{name}.png", seed=n)
    index_files([folder], settings)
    before = points_of(settings)
    change(folder)
    assert counts(index_files([folder], settings)) == expected
    assert paths_of(settings) == {str(folder / name) for name in names}
    fresh = settings.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([folder], fresh)
    assert _same(points_of(settings), points_of(fresh))
    assert change is _modify or points_of(settings).keys() <= before.keys()


def test_an_edit_of_the_same_size_with_its_old_time_is_read(tmp_path: Path, settings: Settings) -> None:
    note = tmp_path / "files" / "note.txt"
    note.parent.mkdir()
    note.write_text("a walk along the river")
    index_files([note], settings)
    before, status = points_of(settings), note.stat()
    with note.open("r+") as file:
        file.write("A")
    os.utime(note, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (note.stat().st_size, note.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert counts(index_files([note], settings)) == {"changed": 1}
    assert {point.payload.snippet for point in points_of(settings).values()} == {"A walk along the river"}
    assert before.keys().isdisjoint(points_of(settings))


def test_another_mode_or_link_costs_a_hash_and_no_encoding(
    tmp_path: Path, settings: Settings, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = write_good(tmp_path / "files")
    index_files([tmp_path / "files"], settings)
    opened.clear()
    good[0].chmod(0o600)
    (tmp_path / "link").hardlink_to(good[1])
    monkeypatch.setattr(DecoderPool, "decode", None)
    assert counts(index_files([tmp_path / "files"], settings)) == {"unchanged": len(good)}
    assert sorted(opened) == sorted(path.name for path in good[:2])
    opened.clear()
    assert counts(index_files([tmp_path / "files"], settings)) == {"unchanged": len(good)}
    assert opened == []


def test_a_manifest_without_ctimes_costs_no_reading(tmp_path: Path, settings: Settings, opened: list[str]) -> None:
    good = write_good(tmp_path / "files")
    index_files([tmp_path / "files"], settings)
    opened.clear()
    with closing(sqlite3.connect(settings.data_dir / MANIFEST_FILE, isolation_level=None)) as db:
        db.execute("UPDATE files SET ctime_ns = 0")
    assert counts(index_files([tmp_path / "files"], settings)) == {"unchanged": len(good)}
    assert opened == []
    good[0].chmod(0o600)  # by now the ctimes are known
    index_files([tmp_path / "files"], settings)
    assert opened == [good[0].name]


@pytest.mark.slow
def test_the_death_of_the_engine_ends_no_run(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before and after every write of a run, which then holds what any other run does."""
    for n in range(3):
        write_image(tmp_path / "files" / f"{n}.png", seed=n)
    original, pids = edge_link.EdgeLink._exchange, set()

    def deadly(link: edge_link.EdgeLink, request: Message) -> Message:
        if request.body["do"] == "upsert" and (pid := worker_pid(settings)) not in pids:
            pids.add(pid)
            if len(pids) == 1:
                original(link, request)  # written, and the answer is lost
            kill_worker(settings)
        return original(link, request)

    monkeypatch.setattr(edge_link.EdgeLink, "_exchange", deadly)
    monkeypatch.setattr(writer, "UPSERT_POINTS", 1)
    assert counts(index_files([tmp_path / "files"], settings)) == {"new": 3}
    assert len(pids) > 1
    monkeypatch.undo()
    fresh = settings.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([tmp_path / "files"], fresh)
    assert _same(points_of(settings), points_of(fresh))


def test_a_file_that_came_from_outside_the_given_paths_has_moved(tmp_path: Path, settings: Settings) -> None:
    write_image(tmp_path / "b" / "p.png")
    index_files([tmp_path / "b"], settings)
    (tmp_path / "c").mkdir()
    (tmp_path / "b" / "p.png").rename(tmp_path / "c" / "p.png")
    assert counts(index_files([tmp_path / "c"], settings)) == {"moved": 1}
    assert paths_of(settings) == {str(tmp_path / "c" / "p.png")}


def test_a_folder_that_was_renamed_is_not_read(
    tmp_path: Path, settings: Settings, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    for n in range(3):
        write_image(folder / "a" / f"{n}.png", seed=n)
    index_files([folder], settings)
    opened.clear()
    (folder / "a").rename(folder / "z")
    assert counts(index_files([folder], settings)) == {"moved": 3}
    assert opened == []
    assert paths_of(settings) == {str(folder / "z" / f"{n}.png") for n in range(3)}
    (folder / "z" / "0.png").rename(folder / "z" / "9.png")  # has another ctime: it is hashed, and not decoded
    monkeypatch.setattr(DecoderPool, "decode", lambda *_, **__: pytest.fail("a known content was decoded"))
    assert counts(index_files([folder], settings)) == {"moved": 1, "unchanged": 2}
    assert opened == ["9.png"]


def test_only_the_places_that_changed_are_looked_at(tmp_path: Path, settings: Settings) -> None:
    roots = [tmp_path / name for name in "ab"]
    for n, root in enumerate(roots):
        for name in ("0", "1", "2"):
            write_image(root / f"{name}.png", seed=10 * n + int(name))
    index_files(roots, settings)
    (roots[0] / "0.png").rename(roots[1] / "moved.png")
    (roots[0] / "1.png").unlink()
    (roots[1] / "2.png").unlink()  # is not named
    write_image(roots[0] / "new.png", seed=99)
    changed = [roots[0] / "0.png", roots[1] / "moved.png", roots[0] / "1.png", roots[0] / "new.png", tmp_path / "c.png"]
    report = index_files(changed, settings, within=list(map(str, roots)))
    assert counts(report) == {"new": 1, "moved": 1, "removed": 1}
    left = {"a/2.png", "a/new.png", "b/0.png", "b/1.png", "b/2.png", "b/moved.png"}
    assert paths_of(settings) == {str(tmp_path / name) for name in left}
    with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
        assert list(manifest.roots()) == list(map(str, roots))
    roots[0].rename(tmp_path / "away")  # a root that is missing may be one that is not mounted
    assert index_files([roots[0] / "2.png"], settings, within=[str(roots[0])]).removed == 0


def test_equal_files_are_encoded_once(tmp_path: Path, settings: Settings) -> None:
    for n in range(5):
        write_image(tmp_path / "files" / f"{n}.png", seed=3)
    report = index_files([tmp_path / "files"], settings)
    assert (counts(report), report.segments) == ({"new": 1, "duplicate": 4}, 1)
    assert paths_of(settings) == {str(tmp_path / "files" / "0.png")}


def test_only_what_lies_below_the_given_paths_is_removed(tmp_path: Path, settings: Settings) -> None:
    for n, name in enumerate(("a/p", "a/q", "ab/p")):
        write_image(tmp_path / f"{name}.png", seed=n)
    index_files([tmp_path / "a", tmp_path / "ab"], settings)
    (tmp_path / "a" / "p.png").unlink()
    (tmp_path / "ab" / "p.png").unlink()
    assert index_files([tmp_path / "a"], settings).removed == 1
    assert paths_of(settings) == {str(tmp_path / "a" / "q.png"), str(tmp_path / "ab" / "p.png")}
    with pytest.raises(UsageError, match="nowhere"):
        index_files([tmp_path / "nowhere"], settings)


@pytest.mark.slow
def test_batches_and_workers_do_not_change_the_vectors(tmp_path: Path, settings: Settings) -> None:
    write_good(tmp_path / "files")
    made = []
    for n, (batch_size, workers) in enumerate([(1, 1), (64, 4)]):
        own = {"data_dir": tmp_path / f"data{n}", "batch_size": batch_size, "workers": workers}
        index_files([tmp_path / "files"], settings.model_copy(update=own))
        made.append(points_of(settings.model_copy(update=own)))
    assert _same(made[0], made[1])


def test_another_segmentation_cuts_again(tmp_path: Path, settings: Settings) -> None:
    write_sound(tmp_path / "files" / "long.wav", 40)
    index_files([tmp_path / "files"], settings)
    finer = settings.model_copy(update={"segment_seconds": 4.0, "segment_overlap": 1.0})
    assert counts(index_files([tmp_path / "files"], finer)) == {"changed": 1}
    fresh = finer.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([tmp_path / "files"], fresh)
    assert _same(points_of(finer), points_of(fresh))
    assert {p.payload.segments for p in points_of(finer).values()} == {len(points_of(finer))}


def test_another_model_is_refused(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "files" / "p.png")
    index_files([tmp_path / "files"], settings)
    folder = write_hashed_model(tmp_path / "other", "other")
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text.replace("0.7", "0.6").replace("0.3", "0.4"))
    with pytest.raises(FingerprintError, match="--data-dir"):
        index_files([tmp_path / "files"], settings.model_copy(update={"model": str(folder)}))
    with pytest.raises(FingerprintError, match="store embedded, not http://elsewhere: use that store again"):
        index_files([tmp_path / "files"], settings.model_copy(update={"store": "http://elsewhere"}))


def test_a_manifest_of_an_earlier_revision_does_not_name_the_width(tmp_path: Path) -> None:
    same = {"model": "toy", "fingerprint": "1" * 64, "store": "embedded"}
    with closing(Manifest(tmp_path / MANIFEST_FILE, create=True)) as manifest:
        manifest.claim(**same)
        manifest.claim(**same, dim="256")
        assert manifest.meta()["dim"] == "256"
        with pytest.raises(FingerprintError, match="dim 256, not 128"):
            manifest.claim(**same, dim="128")


def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_image(tmp_path / "files" / "p.png")
    reads = []

    class Restless(DecoderPool):
        def decode(self, path: Path, follow_links: bool = True) -> object:
            decoded = super().decode(path, follow_links)
            reads.append(path)
            if len(reads) in changes:
                write_image(path, seed=100 + len(reads))
            return decoded

    monkeypatch.setattr(session, "decoder_pool", Restless)
    changes = {1}
    assert counts(index_files([tmp_path / "files"], settings)) == {"new": 1}
    assert len(reads) == 2
    changes = set(range(3, 9))
    write_image(path, seed=55)
    report = index_files([tmp_path / "files"], settings)
    assert (report.reasons, len(reads)) == ({Reason.CHANGING: 1}, 5)
    changes = set()
    assert counts(index_files([tmp_path / "files"], settings)) == {"new": 1}


def test_lost_points_are_made_again_and_strange_ones_removed(tmp_path: Path, settings: Settings) -> None:
    from omnisearch.binding.model import OmniBind
    from omnisearch.stores.catalog import open_store

    good = write_good(tmp_path / "files")
    index_files([tmp_path / "files"], settings)
    before = points_of(settings)
    lost = next(iter(before.values())).payload.item_id
    model = OmniBind.load(settings.model, settings)
    with closing(
        open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False)
    ) as s:
        s.delete([lost])
    assert counts(index_files([tmp_path / "files"], settings)) == {"changed": 1, "unchanged": len(good) - 1}
    assert _same(points_of(settings), before)
    with closing(Manifest(settings.data_dir / "manifest.sqlite", create=True)) as manifest, manifest.transaction():
        manifest.forget([lost])
    for path in good:
        path.unlink()
    index_files([tmp_path / "files"], settings, prune=True)
    assert points_of(settings) == {}


def test_a_name_that_is_no_utf8(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "files").mkdir()
    path = Path(os.fsdecode(os.fsencode(tmp_path / "files") + b"/caf\xe9.txt"))
    path.write_text("a good text with a bad name")
    assert counts(index_files([tmp_path / "files"], settings)) == {"new": 1}
    assert counts(index_files([tmp_path / "files"], settings)) == {"unchanged": 1}
    assert paths_of(settings) == {str(tmp_path / "files" / "caf%E9.txt")}


def test_a_dry_run_writes_nothing(tmp_path: Path, settings: Settings) -> None:
    good = write_good(tmp_path / "files")
    assert counts(dry_run_files([tmp_path / "files"], settings).report) == {"pending": len(good)}
    assert not settings.data_dir.exists()
    index_files([tmp_path / "files"], settings)
    good[0].unlink()
    write_image(good[1], seed=5)
    expected = {"pending": 1, "unchanged": len(good) - 2, "removed": 1}
    assert counts(dry_run_files([tmp_path / "files"], settings).report) == expected


def test_status(tmp_path: Path, settings: Settings) -> None:
    write_good(tmp_path / "files")
    report = index_files([tmp_path / "files"], settings)
    status = read_status(settings)
    assert status["items"] == {"text": 2, "image": 2, "audio": 2, "point_cloud": 2}
    assert sum(status["segments"].values()) == report.segments == len(points_of(settings))
    assert (status["model"], status["store"], status["unfinished"]) == ("toy", "embedded", 0)
    assert report.outcomes[Outcome.NEW] == status["files"]["indexed"]


def _same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        point.payload == other[key].payload and np.array_equal(point.vector, other[key].vector)
        for key, point in one.items()
    )


def test_indexing_from_python_is_as_the_page_says(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "indexing.md").read_text(), re.DOTALL)
    write_image(tmp_path / "photos" / "red.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMNISEARCH_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OMNISEARCH_MODEL", settings.model)
    exec(compile(code, "docs/indexing.md", "exec"), {})
    assert "'new': 1" in capsys.readouterr().out.replace("<Outcome.NEW: 'new'>", "'new'")
    with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
        assert manifest.labels()


def test_the_time_of_adding_stays_and_a_root_knows_its_last_run(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = tmp_path / "files", tmp_path / "other"
    now = 1_000.75
    monkeypatch.setattr("time.time", lambda: now)
    write_image(folder / "a.png", seed=0)
    index_files([folder], settings)
    now = 2_000.0
    (folder / "a.png").rename(folder / "moved.png")
    write_image(folder / "b.png", seed=1)
    write_image(other / "c.png", seed=2)
    index_files([folder], settings)
    now = 3_000.0
    index_files([other], settings)
    added = {Path(p.payload.path).name: p.payload.added for p in points_of(settings).values()}
    assert added == {"moved.png": 1_000.0, "b.png": 2_000.0, "c.png": 3_000.0}
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        assert manifest.roots() == {str(folder): 2_000.0, str(other): 3_000.0}
