"""When a run delays the building of search indexes."""

from pathlib import Path
from typing import Any, cast

import pytest

from omnisearch.config import Settings
from omnisearch.errors import StoreError
from omnisearch.stores.base import VectorStore
from omnisearch.stores.edge import EdgeStore
from omnisearch_indexer.bulk_load import BULK_FILES, bulk_load
from omnisearch_indexer.session import index_files


class Loads:
    """Records the loads of a store."""

    def __init__(self, is_away: bool = False) -> None:
        self.said: list[str] = []
        self._is_away = is_away

    def begin_load(self) -> None:
        self.said.append("begin")

    def end_load(self) -> None:
        self.said.append("end")
        if self._is_away:
            raise StoreError("the server is away")


@pytest.mark.parametrize(("files", "said"), [(BULK_FILES - 1, ["end"]), (BULK_FILES, ["begin", "end"])])
def test_a_large_load_is_begun_and_every_run_ends_one(files: int, said: list[str]) -> None:
    store = Loads()
    with bulk_load(cast(VectorStore, store), files):
        pass
    assert store.said == said


def test_a_run_that_fails_ends_its_load_and_keeps_its_error() -> None:
    store = Loads(is_away=True)
    with pytest.raises(ValueError, match="of the run"), bulk_load(cast(VectorStore, store), BULK_FILES):
        raise ValueError("of the run")
    assert store.said == ["begin", "end"]


def test_a_run_is_a_load(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("a note")
    ended: list[Any] = []
    monkeypatch.setattr(EdgeStore, "end_load", lambda store: ended.append(store))
    index_files([tmp_path / "files"], settings)
    assert len(ended) == 1
