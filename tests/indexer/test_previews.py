"""Indexing leaves the previews of what it has read where the server finds them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from omnisearch.config import Settings
from omnisearch.media.file import item_id
from omnisearch.media.rendition import Rendition
from omnisearch.renditions.kept import FOLDER, KeptRenditions
from omnisearch_indexer.preview_writer import PreviewWriter
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import write_image, write_sound


def test_a_run_keeps_the_preview_of_each_item_that_has_one(settings: Settings, tmp_path: Path) -> None:
    files = [
        write_image(tmp_path / "files" / "p.png"),
        write_sound(tmp_path / "files" / "s.wav", 12),
        tmp_path / "files" / "note.txt",
    ]
    files[-1].write_text("the quick brown fox")
    index_files([tmp_path / "files"], settings)
    kept = KeptRenditions(settings)
    for path in files:
        found = kept.find(item_id(path), Rendition.SMALL)
        assert (found is None) is (path.suffix == ".txt")
        if found is not None:
            found.close()


def test_a_run_that_cannot_keep_previews_says_so_once_and_indexes(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(3):
        write_image(tmp_path / "files" / f"{n}.png", seed=n)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / FOLDER).write_text("no folder")
    report = index_files([tmp_path / "files"], settings)
    assert report.outcomes["new"] == 3
    assert caplog.text.count("previews cannot be kept") == 1


def test_readers_whose_previews_fail_at_the_same_time_say_so_once(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, kept = Barrier(2), KeptRenditions(settings)

    def fail(*_: object) -> None:
        both.wait(timeout=10)
        raise OSError("no space left")

    monkeypatch.setattr(kept, "keep", fail)
    previews = PreviewWriter(kept)
    with ThreadPoolExecutor(2) as readers:
        list(readers.map(lambda item: previews.write(item, b""), ["a", "b"]))
    assert caplog.text.count("previews cannot be kept") == 1


def test_a_torn_preview_is_none(settings: Settings, tmp_path: Path) -> None:
    path = write_image(tmp_path / "files" / "a.png")
    index_files([path], settings)
    torn = settings.data_dir / FOLDER / f"{item_id(path)}.1.webp"
    torn.write_bytes(torn.read_bytes()[:-1])
    assert KeptRenditions(settings).find(item_id(path), Rendition.SMALL) is None


def test_the_preview_of_a_file_that_changed_meanwhile_is_not_kept(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnisearch_indexer import reader

    path = write_image(tmp_path / "files" / "p.png")
    before, decode = item_id(path), reader.Reader._decode
    changes: list[Callable[[], Path]] = [lambda: write_image(path, seed=1)]

    def decode_changed(self: reader.Reader, reading: reader.FileReading) -> None:
        if changes:
            changes.pop()()
        decode(self, reading)

    monkeypatch.setattr(reader.Reader, "_decode", decode_changed)
    index_files([path], settings)
    kept = KeptRenditions(settings)
    assert kept.find(before, Rendition.SMALL) is None
    found = kept.find(item_id(path), Rendition.SMALL)
    assert found is not None
    found.close()


def test_a_document_keeps_its_cover_and_a_damaged_page_costs_no_text(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnisearch.errors import MediaError, Reason
    from omnisearch.media.pool import DecoderPool
    from tests.media import makers

    path = tmp_path / "files" / "a.pdf"
    path.parent.mkdir()
    path.write_bytes(makers.pdf("Dogs run in the park"))
    index_files([path], settings)
    found = KeptRenditions(settings).find(item_id(path), Rendition.SMALL)
    assert found is not None
    found.close()

    def crash(*_: object) -> bytes:
        raise MediaError(Reason.DECODER_CRASHED)

    monkeypatch.setattr(DecoderPool, "render", crash)
    path.write_bytes(makers.pdf("Cats sleep in the house"))
    report = index_files([path], settings)
    assert report.outcomes["changed"] == 1
    assert KeptRenditions(settings).find(item_id(path), Rendition.SMALL) is None


def test_removed_items_leave_no_previews(settings: Settings, tmp_path: Path) -> None:
    from omnisearch_indexer.forget import forget_paths

    first, second, third = (write_image(tmp_path / "files" / f"{n}.png", seed=n) for n in range(3))
    ids = [item_id(path) for path in (first, second, third)]
    index_files([tmp_path / "files"], settings)
    kept = KeptRenditions(settings)
    kept.keep(ids[0], Rendition.PEAKS, b"{}").close()
    forget_paths([first], settings)
    second.unlink()
    index_files([tmp_path / "files"], settings)
    assert {file.name for file in (settings.data_dir / FOLDER).iterdir()} == {f"{ids[2]}.1.webp"} | {
        f"{item_id(first)}.1.webp"  # indexed again
    }
