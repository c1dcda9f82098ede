"""What verify finds in an index whose parts or files disagree."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import DamageError, NoIndexError
from omnisearch.stores import edge_link
from omnisearch.stores.catalog import open_current
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, INDEX_FILE, SpaceEmbeddingStore
from omnisearch.types import Modality
from omnisearch_indexer.check_result import CheckState
from omnisearch_indexer.dry_run import dry_run_files
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.intents import Intent
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import ItemRow
from omnisearch_indexer.repair import repair_index
from omnisearch_indexer.session import index_files
from omnisearch_indexer.snapshot import create_snapshot
from omnisearch_indexer.status import read_failures, read_status
from omnisearch_indexer.verify import Verified, verify_index
from omnisearch_indexer.walk import Signature
from tests.indexer.conftest import points_of, write_image
from tests.indexer.damage import copy_index, wait_for_worker

REPAIR = "run `omnisearch repair`"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_image(tmp_path / "files" / "a.png", seed=1).parent


@pytest.fixture
def indexed(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)
    (folder / "b.txt").write_text("the second file has some words in it")
    assert index_files([folder], settings).indexed == 2
    return settings


def found(report: Verified) -> dict[str, tuple[CheckState, str, tuple[str, ...]]]:
    return {one.check: (one.state, one.way_out, one.paths) for one in report.findings}


def test_a_sound_index_has_no_findings(indexed: Settings) -> None:
    report = verify_index(indexed)
    assert (report.findings, report.damaged, report.files_read) == ([], False, 0)
    assert (report.items, report.points, report.files) == (2, len(points_of(indexed)), 2)
    assert report.embeddings >= report.points


def test_facts_that_a_run_wrote_before_it_was_killed_are_no_damage(
    indexed: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has them before the manifest has."""

    def killed(manifest: Manifest, items: Iterable[ItemRow]) -> None:
        if list(items):
            raise RuntimeError("killed")

    (folder / "a.png").rename(folder / "renamed.png")
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "put_items", killed)
        with pytest.raises(RuntimeError, match="killed"):
            index_files([folder], indexed)
    assert "renamed.png" in {Path(point.payload.path).name for point in points_of(indexed).values()}
    assert "points" not in found(verify_index(indexed))
    index_files([folder], indexed)
    assert verify_index(indexed).findings == []


@pytest.mark.parametrize("settled", [True, False])
def test_facts_that_no_run_wrote_are_found_and_repaired(indexed: Settings, folder: Path, settled: bool) -> None:
    with closing(open_current(indexed)) as store:
        facts = {p.payload.item_id: p.payload.facts for p in store.scroll() if p.payload.modality is Modality.IMAGE}
        store.describe({item_id: replace(each, tags=("x",)) for item_id, each in facts.items()})
    with closing(Manifest(indexed.index_dir / MANIFEST_FILE, create=True)) as manifest:
        if not settled:
            with manifest.transaction():
                manifest.rename(another="value")
        assert manifest.is_settled(facts_version()) == settled
    assert found(verify_index(indexed))["points"] == (CheckState.FAIL, REPAIR, (str(folder / "a.png"),))
    repair_index(indexed)
    assert verify_index(indexed).findings == []


def test_an_item_that_a_killed_run_was_deleting_is_no_damage(
    indexed: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its embeddings go first, then its points, then its row in the manifest."""

    def killed(manifest: Manifest, item_ids: Sequence[str]) -> None:
        raise RuntimeError("killed")

    (folder / "a.png").unlink()
    before = len(points_of(indexed))
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "forget", killed)
        with pytest.raises(RuntimeError, match="killed"):
            index_files([folder], indexed)
    assert len(points_of(indexed)) < before
    assert not verify_index(indexed).damaged
    index_files([folder], indexed)
    assert verify_index(indexed).findings == []


def test_lost_points_are_found(indexed: Settings, folder: Path) -> None:
    lost = next(point for point in points_of(indexed).values() if point.payload.modality is Modality.IMAGE)
    with closing(open_current(indexed)) as store:
        store.delete([lost.payload.item_id])
    report = verify_index(indexed)
    assert found(report) == {
        "counts": (CheckState.FAIL, REPAIR, ()),
        "points": (CheckState.FAIL, REPAIR, (str(folder / "a.png"),)),
        "embeddings": (CheckState.WARN, "run `omnisearch compact`", ()),  # of the lost point
    }
    assert report.damaged


def test_files_that_differ_from_the_index_are_found(indexed: Settings, folder: Path) -> None:
    (folder / "b.txt").write_text("other words")
    (folder / "a.png").unlink()
    report = verify_index(indexed, None)
    assert [(one.check, one.state, one.paths) for one in report.findings] == [
        ("files", CheckState.WARN, (str(folder / "a.png"),)),
        ("files", CheckState.WARN, (str(folder / "b.txt"),)),
    ]
    assert (report.files_read, report.damaged) == (0, False)  # the next run reads it


def test_bytes_that_changed_without_a_write_are_found_if_files_are_read(indexed: Settings, folder: Path) -> None:
    (folder / "b.txt").write_text("damaged by its disk")
    with closing(Manifest(indexed.data_dir / MANIFEST_FILE, create=True)) as manifest, manifest.transaction():
        row = manifest.file(str(folder / "b.txt"))
        assert row is not None
        manifest.put_files([replace(row, signature=Signature.of(os.lstat(folder / "b.txt")))])
    assert verify_index(indexed).findings == []
    assert verify_index(indexed, 1).files_read == 1
    report = verify_index(indexed, None)
    assert found(report) == {"files": (CheckState.FAIL, "restore them from a backup", (str(folder / "b.txt"),))}
    assert report.files_read == 2


def test_what_is_unfinished_is_no_damage(indexed: Settings, folder: Path) -> None:
    with closing(Manifest(indexed.data_dir / MANIFEST_FILE, create=True)) as manifest, manifest.transaction():
        item = manifest.file(str(folder / "a.png"))
        assert item is not None
        manifest.intents.add(Intent("0" * 32, str(folder / "new.png"), "d"), ["k"])
        manifest.mark_suspect([str(item.item_id)])
    report = verify_index(indexed)
    assert [(one.state, one.way_out, one.paths) for one in report.findings] == [
        (CheckState.WARN, f"run `omnisearch index {folder}`", (str(folder / "new.png"),)),
        (CheckState.WARN, REPAIR, (str(folder / "a.png"),)),
    ]
    assert not report.damaged


@pytest.fixture
def one_damage(indexed: Settings, tmp_path: Path) -> Iterator[tuple[Settings, Path]]:
    copied = copy_index(indexed, tmp_path / "copy")
    yield copied, copied.data_dir
    wait_for_worker(copied)


def test_a_part_that_cannot_be_opened_is_a_finding(one_damage: tuple[Settings, Path]) -> None:
    settings, place = one_damage
    (place / EMBEDDINGS_DIRECTORY / INDEX_FILE).unlink()
    assert found(verify_index(settings))["embeddings"][:2] == (CheckState.FAIL, REPAIR)
    assert not (place / EMBEDDINGS_DIRECTORY / INDEX_FILE).exists()
    (place / MANIFEST_FILE).write_bytes(b"no database, but long enough to be looked at" * 100)
    assert found(verify_index(settings))["manifest"][0] is CheckState.FAIL


def test_embeddings_of_no_point_are_named_for_compact(indexed: Settings) -> None:
    with closing(SpaceEmbeddingStore(indexed.data_dir / EMBEDDINGS_DIRECTORY)) as raw:
        raw.put("space@f", Modality.IMAGE, ["nobody's"], np.ones((1, 4), np.float32))
        raw.flush()
    report = verify_index(indexed)
    assert [(one.state, one.value) for one in report.findings] == [(CheckState.WARN, "1 embeddings belong to no point")]


def test_the_command(indexed: Settings, folder: Path, call: Callable[..., tuple[int, str]]) -> None:
    flags = ("--data-dir", indexed.data_dir, "--model", indexed.model)
    status, stdout = call("verify", "--full", *flags, "--format", "json")
    assert (status, json.loads(stdout)["findings"], json.loads(stdout)["files_read"]) == (0, [], 2)
    (folder / "a.png").unlink()
    assert call("verify", *flags, "--format", "paths") == (0, f"{folder / 'a.png'}\n")
    with closing(open_current(indexed)) as store:
        store.delete([point.payload.item_id for point in points_of(indexed).values()])
    status, stdout = call("verify", *flags)
    assert (status, json.loads(stdout)["damaged"]) == (1, True)


@pytest.mark.parametrize("left", ["nothing", "an empty file", "a manifest without rows"])
def test_a_lost_manifest_is_named_for_repair_and_a_rebuilt_one_knows_no_roots(indexed: Settings, left: str) -> None:
    place = indexed.data_dir / MANIFEST_FILE
    for path in indexed.data_dir.glob(f"{MANIFEST_FILE}*"):
        path.unlink()
    if left == "an empty file":
        place.touch()
    elif left == "a manifest without rows":
        Manifest(place, create=True).close()
    message = f"{MANIFEST_FILE} is missing or empty, and the engine has 2 points: {REPAIR}"
    [finding] = verify_index(indexed).findings
    assert (finding.check, finding.state, finding.way_out) == ("manifest", CheckState.FAIL, REPAIR)
    assert message in finding.value
    calls: list[Callable[[], object]] = [
        lambda: read_status(indexed),
        lambda: list(read_failures(indexed, True)),
        lambda: dry_run_files([indexed.data_dir.parent], indexed),
        lambda: create_snapshot(indexed),
    ]
    for call in calls:
        with pytest.raises(DamageError, match=message):
            call()
    repair_index(indexed)
    wait_for_worker(indexed)
    Path(next(iter(points_of(indexed).values())).payload.path).unlink()
    assert found(verify_index(indexed))["files"][1] == "run `omnisearch index PATH...`"


def test_it_needs_an_index(settings: Settings) -> None:
    with pytest.raises(NoIndexError, match="`omnisearch index PATH`"):
        verify_index(settings)
    assert not settings.data_dir.exists()
    settings.data_dir.mkdir()
    (settings.data_dir / MANIFEST_FILE).touch()  # as after a kill at the start of the first run
    with pytest.raises(NoIndexError, match="`omnisearch index PATH`"):
        verify_index(settings)
