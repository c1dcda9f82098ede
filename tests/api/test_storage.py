"""GET /v1/storage: bytes by part, counted at intervals and up to a number of files."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.api import storage
from omnisearch.api.storage import StorageMeter, measure
from omnisearch.config import Settings, load_settings

MIB = 1 << 20


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", weights_dir=tmp_path / "data" / "weights")


def fill(settings: Settings) -> dict[str, int]:
    """Write files of different sizes; returns the MiB of each part."""
    data = settings.data_dir
    files = {
        "vectors/omni__a/shard": 1,
        "embeddings/rows": 2,
        "manifest.sqlite": 1,
        "map.json": 3,
        "previews/ab/one": 5,
        "uploads/x": 2,
        "uploads.sqlite-wal": 1,
        "uploaded/y": 4,
        "jobs.sqlite": 3,
        "jobs.sqlite-wal": 4,
        "weights/hub/file": 9,
        "collections/other/vectors/z": 11,
    }
    for name, size in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(b"x" * (size * MIB))
    return {"vectors": 1, "embeddings": 2, "other": 4, "previews": 5, "uploads": 7, "jobs": 7, "weights": 9}


def test_bytes_are_counted_by_part(client: TestClient, settings: Settings, tmp_path: Path) -> None:
    expected = fill(settings)
    (settings.data_dir / "previews" / "link").symlink_to(tmp_path)  # not followed
    answer = client.get("/v1/storage").json()
    assert {part: answer[part] // MIB for part in expected} == expected
    assert answer["free"] > 0
    assert answer["exact"] is True
    other = measure(settings.model_copy(update={"collection": "other"}))
    assert (other.parts["vectors"] // MIB, other.parts["embeddings"], other.parts["previews"] // MIB) == (11, 0, 5)


def test_an_index_that_is_missing_takes_no_space(settings: Settings) -> None:
    found = measure(settings)
    assert set(found.parts.values()) == {0}
    assert found.exact


def test_files_are_counted_at_intervals_and_up_to_a_number(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(settings)
    now = 100.0
    meter = StorageMeter(lambda: now)
    before = meter.measure(settings)
    (settings.data_dir / "vectors" / "more").write_bytes(b"x" * MIB)
    assert meter.measure(settings) is before
    now += storage.KEPT_SECONDS
    assert meter.measure(settings).parts["vectors"] // MIB == 2
    monkeypatch.setattr(storage, "MOST_FILES", 3)
    assert not measure(settings).exact
