"""A server makes the previews that are missing: small ones first, each once, and never too many."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ByteSize

from omnisearch.api import preview_filler
from omnisearch.api.item_files import ItemFiles
from omnisearch.api.preview_filler import PreviewFiller
from omnisearch.config import Settings, load_settings
from omnisearch.errors import MediaError, NotReadyError, Reason, StoppedError
from omnisearch.media.rendition import Rendition
from omnisearch.renditions.kept import FOLDER, KeptRenditions
from tests.api.conftest import IDS, ScriptedEngine, ToyRenderer


class Open:
    """One open collection."""

    def __init__(self, engine: ScriptedEngine, settings: Settings) -> None:
        self.engine, self.settings = engine, settings
        self.ready = True

    def opened(self) -> list["Open"]:
        return [self]

    async def ask(self, call: Callable[[Any], Any], kind: str) -> Any:
        if not self.ready:
            raise NotReadyError("the engine is opening")
        return call(self.engine)


class Made(ToyRenderer):
    """Remembers what it was asked for, in order, and fails for one file."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, Rendition]] = []

    def render(self, path: Path, fd: int, rendition: Any, stopped: Callable[[], bool] = lambda: False) -> bytes | None:
        self.made.append((path.name, rendition))
        if path.suffix == ".glb":
            raise MediaError(Reason.DECODE_ERROR, "no mesh")
        return super().render(path, fd, rendition)


@pytest.fixture
def opened(engine: ScriptedEngine, settings: Settings) -> Open:
    return Open(engine, settings)


def filler_of(opened: Open, renderer: Any, settings: Settings | None = None) -> PreviewFiller:
    settings = settings or opened.settings
    return PreviewFiller(settings, cast(Any, opened), KeptRenditions(settings), ItemFiles(), lambda _: renderer)


def test_small_ones_are_made_first_and_large_ones_of_pictures_and_films(opened: Open) -> None:
    made = Made()
    assert asyncio.run(filler_of(opened, made).fill())
    small = {("dog.png", Rendition.SMALL), ("bark.wav", Rendition.SMALL), ("run.mp4", Rendition.SMALL)}
    assert set(made.made[:4]) == small | {("dog.glb", Rendition.SMALL)}
    assert set(made.made[4:]) == {("dog.png", Rendition.LARGE), ("run.mp4", Rendition.LARGE)}
    assert made.closed
    kept = KeptRenditions(opened.settings)
    assert [kept.has(IDS[name], Rendition.SMALL) for name in ("im", "au", "vi", "3d", "tx")] == [1, 1, 1, 0, 0]


def test_nothing_is_done_twice_and_what_exists_is_kept(opened: Open, engine: ScriptedEngine) -> None:
    made = Made()
    filler = filler_of(opened, made)
    asyncio.run(filler.fill())
    once = len(made.made)
    asyncio.run(filler.fill())  # nothing was indexed since
    engine.payloads = engine.payloads[:-1]
    asyncio.run(filler.fill())
    assert len(made.made) == once
    (opened.settings.data_dir / FOLDER / f"{IDS['im']}.1.webp").unlink()
    engine.payloads = engine.payloads[:-1]
    asyncio.run(filler.fill())
    assert made.made[once:] == [("dog.png", Rendition.SMALL)]


def test_a_collection_that_is_not_open_yet_is_looked_at_again(opened: Open) -> None:
    made = Made()
    filler, opened.ready = filler_of(opened, made), False
    assert not asyncio.run(filler.fill())
    opened.ready = True
    assert asyncio.run(filler.fill())
    assert made.made


@pytest.mark.parametrize(("held", "expected"), [(0.45, "both"), (0.6, "small"), (1.1, "none")])
def test_a_full_folder_gets_no_more(held: float, expected: str, opened: Open) -> None:
    settings = load_settings(data_dir=opened.settings.data_dir, preview_bytes=ByteSize(1 << 20))
    folder = settings.data_dir / FOLDER
    folder.mkdir(parents=True)
    (folder / f"{'f' * 32}.webp").write_bytes(bytes(int(held * (1 << 20))))
    made = Made()
    asyncio.run(filler_of(opened, made, settings).fill())
    found = {rendition for _, rendition in made.made}
    assert found == {"both": {Rendition.SMALL, Rendition.LARGE}, "small": {Rendition.SMALL}, "none": set()}[expected]


def test_a_changed_file_and_a_folder_that_cannot_be_written_are_passed_over(
    opened: Open, engine: ScriptedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    Path(engine.payloads[0].path).write_bytes(b"other")
    made = Made()
    assert asyncio.run(filler_of(opened, made).fill())
    assert "dog.png" not in {name for name, _ in made.made}
    other = opened.settings.data_dir / "other"
    other.mkdir()
    (other / FOLDER).write_text("no folder")
    assert asyncio.run(filler_of(opened, made, load_settings(data_dir=other)).fill())
    assert "previews cannot be kept" in caplog.text


def test_a_server_that_stops_does_not_wait_for_a_file(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    class Slow(ToyRenderer):
        def render(self, path: Path, fd: int, rendition: Any, stopped: Callable[[], bool] = lambda: False) -> bytes:
            begun.set()
            while not stopped():
                threading.Event().wait(0.01)
            raise StoppedError("stopped")

    async def run() -> None:
        filler = filler_of(opened, Slow())
        filler.start()
        assert await asyncio.to_thread(begun.wait, 60)
        await filler.stop()

    monkeypatch.setattr(preview_filler, "WAIT_SECONDS", 0.0)
    asyncio.run(run())
    assert not KeptRenditions(opened.settings).has(IDS["im"], Rendition.SMALL)
