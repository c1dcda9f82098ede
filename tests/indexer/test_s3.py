"""Mirrors by s3fs itself, from a server of this machine."""

from pathlib import Path
from threading import Event

import pytest

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.meter import SILENT
from omnisearch_indexer.globs import ALL
from omnisearch_indexer.object_store import store
from omnisearch_indexer.object_store.address import ObjectAddress
from omnisearch_indexer.object_store.mirror import Selection, update_mirrors
from omnisearch_indexer.object_store.mirrored import Mirrored
from tests.indexer.s3_server import TIME, s3_server

pytestmark = pytest.mark.slow
HUSH = "a-secret-key"


def test_s3fs(settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("s3fs")
    monkeypatch.setattr(store, "CHUNK_BYTES", 8)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    objects = {f"photos/{key}": key.encode() * 5 for key in ("a b.txt", "deep/é#?+.txt", "deep/c", "x/../y", "z//z")}
    objects |= {"photos/": b"", "photos/deep/": b"", "photos/empty": b"", "photos2/other": b"x", "photos/secret": b"x"}
    requests: list[str] = []
    with s3_server(objects, requests) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)

        def update(bucket: str = "bucket", prefix: str = "photos") -> Mirrored:
            address = ObjectAddress("s3", bucket, prefix)
            return update_mirrors([address], settings, Selection(False, ALL, False), Event(), SILENT)

        made = update()
        top = Path(ObjectAddress("s3", "bucket", "photos").mirror(settings))
        copies = {str(path.relative_to(top)): path for path in top.rglob("*") if path.is_file()}
        assert {name: path.read_bytes() for name, path in copies.items()} == {
            key: objects[f"photos/{key}"] for key in ("a b.txt", "deep/é#?+.txt", "deep/c", "empty")
        }
        assert {int(path.stat().st_mtime) for path in copies.values()} == {TIME}
        whys = sorted(detail for _, detail in made.refused.values())
        assert [why.partition(": ")[0] for why in whys] == [
            f"s3://bucket/photos/{key}" for key in ("secret", "x/../y", "z//z")
        ]
        assert "AccessDenied it is" in whys[0]
        objects["photos/deep/c"] = b"changed" * 5
        del objects["photos/secret"]
        assert (update().copied, copies["deep/c"].read_bytes()) == (1, b"changed" * 5)
        requests.clear()
        update()
        assert {request.rstrip("/") for request in requests} == {"GET bucket"}
        assert update(prefix="photos/a b.txt").copied == 0
        for bucket, prefix, why in (("lost", "", "there is no object"), ("bucket", "none", "there is no object")):
            with pytest.raises(UsageError, match=why):
                update(bucket, prefix)
    with pytest.raises(UsageError, match="endpoint"):  # which answers no longer
        update(prefix="photos3")
    assert HUSH not in caplog.text
