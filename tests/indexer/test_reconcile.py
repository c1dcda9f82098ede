"""Facts are computed again exactly when the manifest has changed."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.stores.base import Facts
from omnisearch.types import Modality
from omnisearch_indexer import manifest as manifest_module
from omnisearch_indexer import path_labels, reconcile
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import FileRow, ItemRow
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import points_of, write_image


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every computation of facts that `settle` does."""
    seen: list[object] = []
    original = path_labels.LabelTree

    def tree(manifest: Manifest) -> path_labels.LabelTree:
        seen.append(manifest)
        return original(manifest)

    monkeypatch.setattr(reconcile, "LabelTree", tree)
    return seen


def remove(folder: Path) -> None:
    (folder / "a.png").unlink()


def change(folder: Path) -> None:
    write_image(folder / "a.png", seed=7)


def copy(folder: Path) -> None:
    (folder / "c.png").write_bytes((folder / "a.png").read_bytes())


CHANGES: tuple[Callable[[Path], None], ...] = (remove, change, copy)


def test_a_run_without_changes_computes_no_facts(tmp_path: Path, settings: Settings, computed: list[object]) -> None:
    folder = write_image(tmp_path / "files" / "a.png").parent
    index_files([folder], settings)
    assert computed
    computed.clear()
    index_files([folder], settings)
    assert not computed
    index_files([folder], settings, labels=Labels(tags=frozenset({"holiday"})))
    assert computed


@pytest.mark.parametrize("done", CHANGES)
def test_every_change_computes_them_again(
    tmp_path: Path, settings: Settings, computed: list[object], done: Callable[[Path], None]
) -> None:
    folder = write_image(tmp_path / "files" / "a.png").parent
    write_image(folder / "b.png", seed=2)
    index_files([folder], settings)
    computed.clear()
    done(folder)
    index_files([folder], settings)
    assert computed


def test_only_the_facts_of_items_that_a_run_wrote_are_computed(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    names = (
        "removed",
        "changed",
        "copied",
        "renamed",
        "first",
        "over",
        "replaced",
        "touched",
        "in/moved",
        "same",
        "as",
    )
    paths = {name: write_image(folder / f"{name}.png", seed=n) for n, name in enumerate(names)}
    (folder / "later.png").write_bytes(paths["first"].read_bytes())
    index_files([folder], settings)
    seen: list[str] = []
    facts_of = path_labels.LabelTree.facts_of

    def spy(self: path_labels.LabelTree, item: ItemRow, holders: Sequence[FileRow]) -> Facts:
        seen.extend(Path(row.path).name for row in holders)
        return facts_of(self, item, holders)

    monkeypatch.setattr(path_labels.LabelTree, "facts_of", spy)
    paths["removed"].unlink()
    write_image(paths["changed"], seed=99)
    (folder / "a copy.png").write_bytes(paths["copied"].read_bytes())
    paths["renamed"].rename(folder / "0.png")
    paths["first"].unlink()  # another file holds its item
    paths["over"].rename(paths["replaced"])
    os.utime(paths["touched"], (1e9, 1e9))
    paths["in/moved"].parent.rename(folder / "out")
    index_files([folder], settings)
    assert sorted(seen) == [
        *("0.png", "a copy.png", "changed.png", "copied.png", "later.png", "moved.png", "replaced.png", "touched.png")
    ]
    part = points_of(settings)
    monkeypatch.setattr(Manifest, "touched", lambda *_: None)  # the next run computes those of all items
    index_files([folder], settings, labels=Labels(tags=frozenset({"x"})))
    index_files([folder], settings, relabel=True)
    assert len(seen) > 20
    assert {point_id: point.payload for point_id, point in part.items()} == {
        point_id: point.payload for point_id, point in points_of(settings).items()
    }


def test_many_items_and_other_versions_are_settled_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "MOST_TOUCHED", 1)
    with closing(Manifest(tmp_path / MANIFEST_FILE, create=True)) as manifest:
        assert manifest.touched("1") is None
        manifest.mark_settled("1")
        assert manifest.touched("1") == []
        assert manifest.touched("2") is None
        for n, known in enumerate((["0"], None)):
            with manifest.transaction():
                manifest.put_items([ItemRow(str(n), Modality.TEXT, 1, "", "text/plain", "")])
            assert manifest.touched("1") == known
        manifest.mark_settled("1")
        manifest.label(["/a"], (), anew=False)
        assert manifest.touched("1") == []
        manifest.label(["/a"], [("", "x")], anew=False)
        assert manifest.touched("1") is None


def rename_and_fail(manifest: Manifest) -> None:
    with manifest.transaction():
        manifest.rename(model="another")
        raise ZeroDivisionError


def test_a_transaction_that_was_undone_changes_nothing(tmp_path: Path) -> None:
    with closing(Manifest(tmp_path / MANIFEST_FILE, create=True)) as manifest:
        manifest.mark_settled("1")
        with pytest.raises(ZeroDivisionError):
            rename_and_fail(manifest)
        assert manifest.is_settled("1")
        assert not manifest.is_settled("2")
        manifest.add_roots(["/a"])
        assert not manifest.is_settled("1")
