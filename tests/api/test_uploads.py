"""/v1/uploads: kept by content, named in queries, bounded, expiring, and indexed for good."""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import httpx2
import pytest
from blake3 import blake3
from fastapi.testclient import TestClient
from pydantic import ByteSize

from omnisearch.api.upload_store import UploadStore
from omnisearch.config import Settings, load_settings
from omnisearch.errors import NotFoundError
from omnisearch.jobs.store import JobStore
from omnisearch.media.file import ID_DIGITS
from tests.api.conftest import IDS, ScriptedEngine, ToyRenderer, open_client, picture, tone, wait_until_ready

UNKNOWN = "0" * ID_DIGITS


def send(client: TestClient, content: bytes = b"", name: str = "bark.wav") -> httpx2.Response:
    return client.post("/v1/uploads", files={"file": (name, content or tone())})


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.data_dir / "uploads"


@pytest.fixture
def uploads(client: TestClient, settings: Settings) -> Iterator[UploadStore]:
    with closing(UploadStore(settings)) as store:
        yield store


def test_an_upload_is_known_by_the_hash_of_its_content(client: TestClient) -> None:
    answer = send(client)
    assert answer.status_code == 201
    upload = answer.json()
    assert upload["id"] == blake3(tone()).hexdigest()[:ID_DIGITS]
    assert (upload["name"], upload["size"], upload["modality"]) == ("bark.wav", len(tone()), "audio")
    assert client.get(answer.headers["Location"]).json() == upload


def test_an_empty_file_is_refused(client: TestClient, folder: Path) -> None:
    answer = client.post("/v1/uploads", files={"file": ("bark.wav", b"")})
    assert (answer.status_code, answer.json()["code"]) == (422, "empty")
    assert "no bytes" in answer.json()["detail"]
    assert list(folder.iterdir()) == []


def test_the_same_content_is_kept_once_under_its_last_name(client: TestClient, folder: Path) -> None:
    first, second = send(client, name="a.wav").json(), send(client, name="b.wave").json()
    assert first["id"] == second["id"]
    assert client.get(f"/v1/uploads/{first['id']}").json()["name"] == "b.wave"
    assert [file.suffix for file in folder.iterdir()] == [".wave"]


def test_an_upload_has_the_renditions_of_its_modality(client: TestClient) -> None:
    sound, text = send(client).json()["id"], send(client, b"a dog", "dog.txt").json()["id"]
    for _ in range(2):  # made, and kept
        assert client.get(f"/v1/uploads/{sound}/preview?size=large").content[8:12] == b"WEBP"
        peaks = client.get(f"/v1/uploads/{sound}/peaks")
        assert peaks.json()["duration"] == 1.5
    document = send(client, b"%PDF-1.4 a dog", "dog.pdf").json()["id"]
    assert client.get(f"/v1/uploads/{document}/preview").status_code == 200
    held = client.get(f"/v1/uploads/{sound}/peaks", headers={"If-None-Match": peaks.headers["ETag"]})
    assert held.status_code == 304
    refused = client.get(f"/v1/uploads/{text}/preview")
    assert (refused.status_code, refused.json()["detail"].split()[:2]) == (404, ["upload", text])
    assert client.get(f"/v1/uploads/{UNKNOWN}/preview").status_code == 404


def test_an_upload_with_the_content_of_an_item_does_not_replace_its_preview(
    client: TestClient, renderer: ToyRenderer
) -> None:
    upload = send(client, picture(), "dog.obj").json()["id"]
    assert upload == IDS["im"]
    client.get(f"/v1/uploads/{upload}/preview")
    client.get(f"/v1/items/{upload}/preview")
    assert renderer.asked == [picture(), picture()]


def test_an_upload_stands_for_a_file_in_every_question(client: TestClient, engine: ScriptedEngine) -> None:
    sound, image = send(client).json()["id"], send(client, picture(), "dog.png").json()["id"]
    query = {"query": [{"upload_id": sound}, {"text": "a dog"}]}
    assert client.post("/v1/search", json=query).status_code == 200
    assert client.post("/v1/search/batch", json={"queries": [query, query]}).status_code == 200
    assert engine.contents == [tone()] * 3
    assert engine.queries[-1].terms[0].label == "bark.wav"
    found = client.post("/v1/locate", json={"query": {"upload_id": sound}, "upload_id": image})
    assert found.status_code == 200
    assert engine.located[-1][1] == picture()
    part = {"type": "file", "file": {"upload_id": sound}}
    vectors = client.post("/v1/embeddings", json={"model": "toy", "input": [part]})
    assert vectors.json()["data"][0]["embedding"][0] == len(tone())
    assert client.get(f"/v1/uploads/{sound}").status_code == 200  # a question deletes none


@pytest.mark.parametrize("upload_id", ["../../etc/passwd", "x", "", UNKNOWN + "0"])
def test_ids_are_hashes_and_nothing_else(client: TestClient, upload_id: str) -> None:
    assert client.post("/v1/search", json={"query": {"upload_id": upload_id}}).status_code == 422


def test_unknown_uploads_are_404(client: TestClient) -> None:
    assert client.get(f"/v1/uploads/{UNKNOWN}").status_code == 404
    assert client.delete(f"/v1/uploads/{UNKNOWN}").status_code == 404
    answer = client.post("/v1/search", json={"query": {"upload_id": UNKNOWN}})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_deleted_upload_is_gone_with_its_file(client: TestClient, folder: Path) -> None:
    upload = send(client).json()
    assert client.delete(f"/v1/uploads/{upload['id']}").status_code == 204
    assert client.get(f"/v1/uploads/{upload['id']}").status_code == 404
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"files": {"file": ("a.bin", b"\x00\x01nothing known")}}, 422),
        ({"files": {"file": ("a.wav", b"")}}, 422),
        ({"files": {"other": ("a.wav", b"x")}}, 422),
        ({"files": [("file", ("a.wav", b"x")), ("file", ("b.wav", b"x"))]}, 400),
        ({"data": {"file": "x"}}, 415),
        ({"content": b"x"}, 415),
    ],
)
def test_other_bodies_are_refused_and_leave_nothing(
    client: TestClient, folder: Path, sent: dict[str, Any], status: int
) -> None:
    answer = client.post("/v1/uploads", **sent)
    assert answer.status_code == status, answer.text
    assert not folder.exists() or list(folder.iterdir()) == []


def test_all_uploads_together_are_bounded(engine: ScriptedEngine) -> None:
    settings = load_settings(upload_bytes=ByteSize(len(tone()) + 10))
    with open_client(settings, engine_factory=lambda _: engine) as client:
        assert send(client).status_code == 201
        assert send(client).status_code == 201  # the same one
        refused = send(client, picture(), "a.png")
        assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
        assert "upload_bytes" in refused.json()["detail"]
        assert len(list((settings.data_dir / "uploads").iterdir())) == 1


def test_uploads_expire_and_use_puts_that_off(
    client: TestClient, uploads: UploadStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, idle = send(client).json()["id"], send(client, picture(), "a.png").json()["id"]
    real, day = time.time, 86_400.0
    monkeypatch.setattr(time, "time", lambda: real() + day - 100)
    assert client.post("/v1/search", json={"query": {"upload_id": used}}).status_code == 200
    monkeypatch.setattr(time, "time", lambda: real() + day + 100)
    assert client.get(f"/v1/uploads/{idle}").status_code == 404
    uploads.expire()
    assert [file.stem for file in folder.iterdir()] == [used]
    assert client.get(f"/v1/uploads/{used}").status_code == 200


def test_an_upload_that_is_sent_again_while_it_expires_is_kept(
    client: TestClient, uploads: UploadStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, real, use = send(client).json()["id"], time.time, uploads._database.use
    monkeypatch.setattr(time, "time", lambda: real() + 90_000)

    def use_late() -> AbstractContextManager[Connection]:
        """Another thread sends the file just before the expired rows are deleted."""
        assert send(client).status_code == 201
        return use()

    monkeypatch.setattr(uploads._database, "use", use_late)
    uploads.expire()
    assert client.get(f"/v1/uploads/{upload_id}").json()["expires"] > time.time()
    assert [file.stem for file in folder.iterdir()] == [upload_id]


def test_an_upload_whose_file_was_deleted_is_to_be_sent_again(client: TestClient, folder: Path) -> None:
    upload_id = send(client).json()["id"]
    (folder / f"{upload_id}.wav").unlink()
    asked = [
        client.get(f"/v1/uploads/{upload_id}"),
        client.post("/v1/search", json={"query": {"upload_id": upload_id}}),
        client.post("/v1/jobs", json={"kind": "index", "uploads": [upload_id]}),
    ]
    for answer in asked:
        assert answer.status_code == 404, answer.text
        assert "send the file again" in answer.json()["detail"]
    assert send(client).status_code == 201
    assert client.get(f"/v1/uploads/{upload_id}").status_code == 200


def test_what_a_dead_server_left_half_written_is_deleted(client: TestClient, settings: Settings, folder: Path) -> None:
    upload = send(client).json()
    (folder / ".new-1").mkdir()
    (folder / ".new-1" / "copy").write_bytes(b"half")
    (folder / "stray").write_bytes(b"x")
    with closing(UploadStore(settings)) as store:
        assert store.get(upload["id"]).size == len(tone())
    assert [file.stem for file in folder.iterdir()] == [upload["id"]]


def test_uploads_survive_a_restart(engine: ScriptedEngine, settings: Settings) -> None:
    with open_client(settings, engine_factory=lambda _: engine) as client:
        upload = send(client).json()
    with open_client(settings, engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        assert client.get(f"/v1/uploads/{upload['id']}").json() == upload


@pytest.mark.parametrize(
    ("name", "kept"),
    [("dog.wav", "dog.wav"), ("../../x.wav", "x.wav"), ("..wav", "wav"), (".hidden.wav", "hidden.wav")],
)
def test_indexed_uploads_get_a_safe_name_and_do_not_expire(
    client: TestClient, uploads: UploadStore, settings: Settings, name: str, kept: str
) -> None:
    upload = send(client, name=name).json()
    job = client.post("/v1/jobs", json={"kind": "index", "uploads": [upload["id"]]})
    assert job.status_code == 202, job.text
    (path,) = job.json()["params"]["paths"]
    assert path == str(settings.data_dir / "uploaded" / upload["id"] / kept)
    client.delete(f"/v1/uploads/{upload['id']}")
    assert Path(path).read_bytes() == tone()
    again = client.post("/v1/jobs", json={"kind": "index", "uploads": [UNKNOWN]})
    assert again.status_code == 404
    with closing(JobStore.open(settings)) as jobs:
        assert len(jobs.page()) == 1


def test_long_names_fit_the_disk(uploads: UploadStore, tmp_path: Path) -> None:
    sent = tmp_path / "x"
    sent.write_bytes(tone())
    with sent.open("rb") as file:
        kept = uploads.keep(file, "\u00e9" * 250 + ".wav")
    (path,) = uploads.link_for_good([kept.id])
    assert len(os.fsencode(Path(path).name)) <= 255
    assert path.endswith(".wav")
    with pytest.raises(NotFoundError):
        uploads.link_for_good([UNKNOWN])
