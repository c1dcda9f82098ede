"""Collections: indexes side by side in one data directory."""

from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omnisearch.cli.commands import build
from omnisearch.config import Settings, load_settings
from omnisearch.errors import (
    BusyError,
    CollectionNotFoundError,
    ConflictError,
    NoIndexError,
    SettingsError,
    UsageError,
)
from omnisearch.stores import collections
from omnisearch.stores.catalog import open_store
from omnisearch.stores.collections import collection_exists, create_collection, list_collections, remove_collection
from omnisearch.stores.lock import hold_lock
from tests.stores.fake_server import FakeServer, running
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points


def test_collections_are_made_listed_and_removed() -> None:
    settings = load_settings()
    assert list_collections(settings) == ["default"]
    assert not settings.data_dir.exists()
    for name in ("photos", "a_b-c"):
        create_collection(load_settings(collection=name))
    for name in ("photos", "default"):
        with pytest.raises(ConflictError, match=name):
            create_collection(load_settings(collection=name))
    (settings.data_dir / "collections" / ".hidden").mkdir()
    (settings.data_dir / "collections" / "file").touch()
    assert list_collections(settings) == ["default", "a_b-c", "photos"]
    remove_collection(load_settings(collection="photos"))
    assert list_collections(settings) == ["default", "a_b-c"]
    assert not collection_exists(load_settings(collection="photos"))
    with pytest.raises(CollectionNotFoundError, match="'photos'"):
        remove_collection(load_settings(collection="photos"))


def test_there_are_not_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "MOST", 2)
    create_collection(load_settings(collection="a"))
    with pytest.raises(UsageError, match="remove one"):
        create_collection(load_settings(collection="b"))


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "collections").write_text("no folder")
    with pytest.raises(SettingsError, match=r"cannot write in .*collections: .*--data-dir"):
        create_collection(load_settings(data_dir=tmp_path, collection="photos"))


def test_what_is_not_ours_alone_is_not_removed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="default"):
        remove_collection(load_settings())
    photos, held = load_settings(collection="photos"), load_settings(collection="held")
    (tmp_path / "elsewhere").mkdir()
    create_collection(held)
    photos.index_dir.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="link"):
        remove_collection(photos)
    with hold_lock(held.index_dir), pytest.raises(BusyError):
        remove_collection(held)
    assert held.index_dir.is_dir()
    assert (tmp_path / "elsewhere").is_dir()


@pytest.mark.parametrize("where", ["edge", "server"])
@pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")
def test_a_removed_collection_is_empty_when_it_is_made_again(where: str, tmp_path: Path) -> None:
    """Also for a process that has it open, and after a removal that was killed."""
    with running(FakeServer()) as fake:
        store = fake.url if where == "server" else None
        settings = Settings(data_dir=tmp_path, store=store, collection="photos")
        create_collection(settings)
        (settings.index_dir.parent / ".removed-photos" / "vectors").mkdir(parents=True)
        model = {"model": MODEL, "dim": DIM, "fingerprint": FINGERPRINT}
        with closing(open_store(settings, **model, create=True)) as opened:
            opened.upsert(points(3))
            remove_collection(settings)
            assert [path.name for path in settings.index_dir.parent.iterdir()] == []
            with pytest.raises(NoIndexError):
                opened.count()
        with pytest.raises(NoIndexError):
            open_store(settings, **model, create=False)
        with closing(open_store(settings, **model, create=True)) as opened:
            assert opened.count() == 0


def test_the_command_lists_and_removes() -> None:
    create_collection(load_settings(collection="photos"))
    shown = CliRunner().invoke(build(), ["collections", "ls", "--format", "jsonl"])
    assert [line.split('"')[3] for line in shown.stdout.splitlines()] == ["default", "photos"]
    assert CliRunner().invoke(build(), ["collections", "rm", "photos"]).exit_code == 0
    assert list_collections(load_settings()) == ["default"]
