"""What compact gives back, and what it leaves."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import BusyError, DamageError, NoIndexError
from omnisearch.stores import edge_link
from omnisearch.stores.catalog import open_current
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.types import Modality
from omnisearch_indexer import snapshot
from omnisearch_indexer.compact import compact_index
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.rebind import rebind_index
from omnisearch_indexer.rebuild_manifest import find_manifest
from omnisearch_indexer.session import index_files
from omnisearch_indexer.verify import verify_index
from tests.indexer.conftest import keys_of, points_of
from tests.indexer.damage import copy_index, wait_for_worker
from tests.indexer.sound import Sound, answers, same


@pytest.fixture
def removed(sound: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An index from which half of the files were removed."""
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)
    settings = copy_index(sound.settings, tmp_path / "copy")
    folder = shutil.copytree(sound.folder, tmp_path / "own")
    for path in folder.rglob("*0.*"):
        path.unlink()
    index_files([folder], settings)
    index_files([sound.folder], settings.model_copy(update={"data_dir": tmp_path / "other"}))
    from omnisearch_indexer.forget import forget_paths

    forget_paths([sound.folder], settings)
    wait_for_worker(settings)
    return settings


def test_it_gives_back_what_no_point_uses(sound: Sound, removed: Settings) -> None:
    place = removed.data_dir
    with closing(SpaceEmbeddingStore(place / EMBEDDINGS_DIRECTORY)) as raw:
        raw.put("space@f", Modality.IMAGE, ["nobody's"], np.ones((1, 4), np.float32))
        raw.flush()
    (place / "vectors" / ".old-1").mkdir()
    stray = place / EMBEDDINGS_DIRECTORY / "killed.7.f32"
    stray.write_bytes(b"1234")
    preview, orphan = (
        place / "previews" / f"{item}.small.webp"
        for item in (next(iter(points_of(removed).values())).payload.item_id, "f" * 32)
    )
    preview.parent.mkdir(exist_ok=True)
    preview.write_bytes(b"x")
    orphan.write_bytes(b"x")
    rows = {path.name: path.stat().st_size for path in place.glob("embeddings/*.f32")}
    before, expected = points_of(removed), answers(removed)
    wait_for_worker(removed)
    report = compact_index(removed)
    assert sum(report.after.values()) < sum(report.before.values())
    assert sum(path.stat().st_size for path in place.glob("embeddings/*.f32")) < sum(rows.values())
    with closing(SpaceEmbeddingStore(place / EMBEDDINGS_DIRECTORY)) as raw:
        raw.check_index()
        assert raw.count() == raw._index.execute("SELECT SUM(size) FROM tables").fetchone()[0]  # no row is unused
    assert same(points_of(removed), before)
    assert answers(removed) == expected
    assert keys_of(removed) == set(before)
    assert (stray.exists(), preview.exists(), orphan.exists()) == (False, True, False)
    assert [path.name for path in (place / "vectors").glob(".*")] == []
    wait_for_worker(removed)
    assert verify_index(removed).findings == []
    again = compact_index(removed)
    assert again.after["embeddings"] == report.after["embeddings"]


@pytest.mark.slow
def test_what_compact_wrote_is_read_and_added_to(sound: Sound, removed: Settings) -> None:
    """By stores that were open before, too."""
    with closing(SpaceEmbeddingStore(removed.data_dir / EMBEDDINGS_DIRECTORY)) as raw:
        key = next(iter(keys_of(removed)))
        [space] = {row for (row,) in raw._index.execute("SELECT DISTINCT space FROM tables").fetchall()}
        there = [m for m in Modality if raw.has(space, m, key)]
        before = raw.get(space, there[0], [key])[0]
        compact_index(removed)
        np.testing.assert_array_equal(raw.get(space, there[0], [key])[0], before)
    index_files([sound.folder], removed)
    with closing(open_current(removed)) as store:
        assert store.count() == len(sound.points)
    wait_for_worker(removed)
    assert verify_index(removed).findings == []


@pytest.mark.slow
def test_a_snapshot_that_is_being_written_stays(removed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It copies the embeddings after its pause, while other commands may write. One that was killed is removed."""
    left = removed.data_dir / snapshot.FOLDER / ".killed.partial"
    left.mkdir(parents=True)
    copy_rows = snapshot._copy_rows

    def copy_while_compacting(*arguments: Any) -> None:
        with pytest.raises(BusyError, match="another process is writing"):
            snapshot.create_snapshot(removed, target)
        if left.exists():
            compact_index(removed)
        copy_rows(*arguments)

    monkeypatch.setattr(snapshot, "_copy_rows", copy_while_compacting)
    target = removed.data_dir / snapshot.FOLDER / "monday"
    snapshot.create_snapshot(removed, target)
    snapshot.check_snapshot(target)
    assert not left.exists()


@pytest.mark.slow
def test_an_index_that_lost_points_is_not_compacted(sound: Sound, removed: Settings) -> None:
    """The embeddings of the lost points are what they are repaired from."""
    keys = keys_of(removed)
    with closing(open_current(removed)) as store:
        store.delete([next(store.scroll()).payload.item_id])
    with pytest.raises(DamageError, match="`omnisearch repair` first"):
        compact_index(removed)
    assert keys_of(removed) == keys


@pytest.mark.slow
@pytest.mark.parametrize("command", [compact_index, rebind_index])
def test_an_index_that_lost_its_manifest_is_left_for_repair(
    removed: Settings, command: Callable[[Settings], object]
) -> None:
    """Neither the embeddings nor the points are unused because a new manifest does not know them."""
    place, keys = removed.data_dir / MANIFEST_FILE, keys_of(removed)
    for path in removed.data_dir.glob(f"{MANIFEST_FILE}*"):
        path.unlink()
    Manifest(place, create=True).close()  # as a refused run leaves it
    with pytest.raises(DamageError, match="`omnisearch repair`"):
        command(removed)
    assert keys_of(removed) == keys
    assert not find_manifest(removed)


def test_the_command(removed: Settings, settings: Settings, call: Callable[..., tuple[int, str]]) -> None:
    status, stdout = call("compact", "--data-dir", removed.data_dir)
    found = json.loads(stdout)
    assert (status, found["before"].keys()) == (0, found["after"].keys())
    with pytest.raises(NoIndexError):
        compact_index(settings)
