"""Facts are computed again exactly when the manifest has changed."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch_indexer import path_labels, reconcile
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.path_labels import Labels
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import write_image


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
