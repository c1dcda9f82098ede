"""Both clients against a real server process and its worker, and the examples of docs/clients.md."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omnisearch import AsyncClient, Client, UploadRef
from omnisearch.config import load_settings
from omnisearch.errors import NotFoundError
from omnisearch.jobs.job import State
from omnisearch.schema.job import JobOut
from omnisearch.types import Modality
from omnisearch_indexer.session import index_files
from tests.api.conftest import picture, server_process, tone
from tests.client.test_operations import finished

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with three files in `photos`, of which one is indexed, and a sound beside it."""
    (tmp_path / "photos").mkdir()
    for name, data in {
        "photos/red.png": picture((220, 30, 30)),
        "photos/blue.png": picture((30, 30, 220)),
        "photos/poem.txt": b"A dog barks at the moon.",
        "bark.wav": tone(),
    }.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.fixture
def server(place: Path, hashed_model: Path) -> Iterator[str]:
    index_files([place / "photos" / "red.png"], load_settings(model=str(hashed_model), workers=1))
    roots = str(place / "photos")
    with server_process(load_settings().data_dir, hashed_model, OMNISEARCH_INDEX_ROOTS=roots) as url:
        yield url


async def live(client: Any, place: Path) -> None:
    """Upload a file, search with it, index a folder, list it, and take an item out of the index again."""
    ask = finished
    kept = await ask(client.create_upload(place / "bark.wav"))
    assert (kept.name, kept.modality) == ("bark.wav", Modality.AUDIO)
    (hit,) = (await ask(client.search(UploadRef(kept.id)))).hits
    assert (hit.path, hit.matched_by[0].term) == (str(place / "photos" / "red.png"), "bark.wav")

    seen: list[JobOut] = []
    queued = await ask(client.index([place / "photos"], [kept.id], idempotency_key="once"))
    assert (await ask(client.index([place / "photos"], [kept.id], idempotency_key="once"))).id == queued.id
    done = await ask(client.wait(queued.id, seen.append))
    assert (done.state, seen[-1]) == (State.DONE, done)
    assert [job.version for job in seen] == sorted({job.version for job in seen})
    assert done.progress.done == done.progress.total
    assert (done.result or {}).get("failed", 0) == 0
    assert [job.id for job in await ask(client.jobs(kind="index"))] == [queued.id]
    assert await ask(client.errors(queued.id)) == []

    listed = await ask(client.items(order="-size"))
    sizes = [item.size for item in listed]
    assert (len(listed), sizes) == (4, sorted(sizes, reverse=True))
    assert (await ask(client.stats())).items[Modality.IMAGE] == 2
    (sound,) = await ask(client.items(modalities=["audio"]))
    removed = await ask(client.wait((await ask(client.delete_item(sound.id))).id))
    assert removed.state is State.DONE
    with pytest.raises(NotFoundError):
        await ask(client.item(sound.id))
    assert len(await ask(client.items())) == 3
    await ask(client.delete_upload(kept.id))


@pytest.mark.parametrize("asynchronously", [False, True])
def test_a_life_of_an_index(asynchronously: bool, server: str, place: Path) -> None:
    async def ask() -> None:
        async with AsyncClient(server) as client:
            await live(client, place)

    if asynchronously:
        asyncio.run(ask())
    else:
        with Client(server) as client:
            asyncio.run(live(client, place))


def test_the_examples_run(
    server: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    monkeypatch.chdir(place)
    monkeypatch.setenv("OMNISEARCH_SERVER", server)
    names: dict[str, Any] = {}
    for example in examples:  # the second one goes on from the first
        exec(compile(example.replace("/photos", str(place / "photos")), PAGE, "exec"), names)
    assert len(names["vectors"]) == 2
    with Client(server) as client:
        paths = [item.path for item in client.items(order="-mtime")]
    assert capsys.readouterr().out.splitlines()[-3:] == paths
