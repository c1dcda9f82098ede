"""A newer decoder reads again only the kinds of files that it reads otherwise, and those that could not be read."""

from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import Settings
from omnisearch.media.versions import fingerprint
from omnisearch_indexer import scan, session
from omnisearch_indexer.dry_run import dry_run_files
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import points_of, write_image
from tests.indexer.test_session import counts
from tests.media import makers


@pytest.fixture
def read_before(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that version 3 of the decoder has indexed."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("a text that is read as before")
    (folder / "b.pdf").write_bytes(makers.pdf_of(["one page", "and another " * 200]))
    (folder / "c.bin").write_bytes(bytes(range(128, 256)) * 3)
    with monkeypatch.context() as older:
        older.setattr(session, "fingerprint", lambda settings: f"media-3:{fingerprint(settings).partition(':')[2]}")
        index_files([folder], settings)
    return folder


def test_only_what_changed_is_read_again(read_before: Path, settings: Settings) -> None:
    assert dry_run_files([read_before], settings).report.outcomes["pending"] == 2
    assert counts(index_files([read_before], settings)) == {"unchanged": 1, "changed": 1, "unsupported": 1}
    parts = {(Path(p.payload.path).name, p.payload.segment.part) for p in points_of(settings).values()}
    assert parts == {("a.txt", ""), ("b.pdf", "page 1"), ("b.pdf", "page 2")}
    assert counts(index_files([read_before], settings)) == {"unchanged": 2, "unsupported": 1}


def test_pictures_are_read_again_with_the_pixels_that_the_model_reads(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "files" / "a.png")
    (tmp_path / "files" / "b.txt").write_text("a text that is read as before")
    with monkeypatch.context() as older:
        older.setattr(session, "fingerprint", lambda settings: f"media-5:{fingerprint(settings).partition(':')[2]}")
        index_files([tmp_path / "files"], settings)
    assert counts(index_files([tmp_path / "files"], settings)) == {"unchanged": 1, "changed": 1}
    assert counts(index_files([tmp_path / "files"], settings)) == {"unchanged": 2}


def test_what_reads_alike_is_compared_with_the_items_only_once(
    read_before: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_files([read_before], settings)
    monkeypatch.setattr(scan, "_is_current", None)
    assert dry_run_files([read_before], settings).report.outcomes["unchanged"] == 2


def test_a_moved_file_of_an_older_version_is_not_encoded_again(read_before: Path, settings: Settings) -> None:
    (read_before / "a.txt").rename(read_before / "moved.txt")
    assert counts(index_files([read_before], settings))["moved"] == 1
    assert counts(index_files([read_before], settings)) == {"unchanged": 2, "unsupported": 1}


def test_pictures_are_decoded_with_the_pixels_that_the_model_reads(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []
    original = session.decoder_pool

    def noted(*arguments: Any, shorter_side: int | None = None, **options: Any) -> Any:
        asked.append(shorter_side)
        return original(*arguments, **options)

    monkeypatch.setattr(session, "decoder_pool", noted)
    monkeypatch.setattr("omnisearch.binding.picture_side.picture_side", lambda settings: 260)
    index_files([write_image(tmp_path / "files" / "a.png")], settings)
    assert 260 in asked
