"""The embedded engine itself, without its process."""

from pathlib import Path
from typing import Any

import pytest

from omnisearch.stores import edge_engine
from omnisearch.stores.collection_name import CollectionName
from omnisearch.wire import Message
from tests.stores.samples import DIM, FINGERPRINT, MODEL


def test_a_collection_with_fewer_indexes_is_completed_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"collection": str(CollectionName(MODEL, DIM, FINGERPRINT)), "dim": DIM}
    with monkeypatch.context() as older:
        older.setattr(edge_engine, "INDEXED", {})
        edge_engine.EdgeEngine(tmp_path).answer(Message({"do": "create", **asked}))
    listed = {"offset": None, "limit": 1, "filter": {"must": [], "must_not": [], "ids": []}, "order": ["added", True]}
    engine = edge_engine.EdgeEngine(tmp_path)
    assert engine.answer(Message({"do": "list", **asked, **listed})).body == {"rows": []}
    engine.close()
