"""The duplicates that an index lists."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.types import Modality
from omnisearch_indexer import duplicates
from omnisearch_indexer.duplicates import Duplicates, find_duplicates
from omnisearch_indexer.session import index_files
from tests.conftest import Ended
from tests.indexer.conftest import write_image
from tests.media.makers import picture

Shown = list[tuple[str, str, list[tuple[str, str]]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two equal notes, a picture as PNG, twice as BMP and as a hard link, and other pictures."""
    files = tmp_path / "files"
    write_image(files / "other.png", seed=2)
    picture(64, 48).save(files / "a.png")
    picture(64, 48).save(files / "large.bmp")  # the same pixels in more bytes
    shutil.copy(files / "large.bmp", files / "copy.bmp")
    os.utime(files / "copy.bmp", (1e9, 1e9))  # the oldest
    os.link(files / "large.bmp", files / "link.bmp")
    (files / "note.txt").write_text("some words")
    (files / "same.txt").write_text("some words")
    (files / "third.txt").write_text("some words, too")
    return files


@pytest.fixture
def indexed(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setitem(duplicates.ALIKE, Modality.IMAGE, 0.999)  # to the `hashed` space all these pictures are near
    assert index_files([folder], settings).indexed == 8
    return settings


def shown(found: Duplicates) -> Shown:
    return [
        (
            group.modality,
            group.kind,
            [(Path(row["path"]).name, row["file"]) for row in found.rows() if row["group"] == n],
        )
        for n, group in enumerate(found.groups, 1)
    ]


def test_groups_name_the_files_to_keep_and_those_that_could_go(indexed: Settings, folder: Path) -> None:
    found = find_duplicates(indexed)
    text, image = shown(found)
    assert text[:2] == ("text", "exact")
    assert sorted(state for _, state in text[2]) == ["could go", "keep"]
    assert {name for name, _ in text[2]} == {"note.txt", "same.txt"}
    assert image[:2] == ("image", "near")
    assert image[2][0] == ("copy.bmp", "keep")  # the oldest of the largest
    assert sorted(image[2][1:]) == [("a.png", "could go"), ("large.bmp", "could go"), ("link.bmp", "could go")]
    assert [group.bytes for group in found.groups] == [
        len("some words"),
        (folder / "large.bmp").stat().st_size + (folder / "a.png").stat().st_size,  # the link takes no space
    ]
    assert (found.could_go, found.missing) == (4, 0)
    assert found.bytes == sum(group.bytes for group in found.groups)
    assert all(file.cosine == pytest.approx(1, abs=2e-3) for group in found.groups for file in group.files)
    assert len(list(folder.iterdir())) == 8

    assert [group.modality for group in find_duplicates(indexed, [Modality.IMAGE]).groups] == ["image"]
    assert find_duplicates(indexed, [Modality.AUDIO]).groups == []
    texts = find_duplicates(indexed, where=parse_conditions(["path:*.txt"]))
    assert [group.modality for group in texts.groups] == ["text"]


def test_missing_and_changed_files_cannot_go_nor_be_kept(indexed: Settings, folder: Path) -> None:
    for name in ("copy.bmp", "large.bmp", "link.bmp"):
        (folder / name).unlink()
    (folder / "note.txt").write_text("other words")
    found = find_duplicates(indexed)
    assert shown(found) == [
        ("text", "exact", [("same.txt", "keep"), ("note.txt", "changed")]),
        (
            "image",
            "near",
            [("a.png", "keep"), ("copy.bmp", "missing"), ("large.bmp", "missing"), ("link.bmp", "missing")],
        ),
    ]
    assert (found.could_go, found.bytes, found.missing) == (0, 0, 3)
    shutil.rmtree(folder)
    assert {state for _, _, files in shown(find_duplicates(indexed)) for _, state in files} == {"missing"}


def test_the_command_writes_groups(indexed: Settings, folder: Path, run_here: Callable[..., Ended]) -> None:
    def run(fmt: str, *more: str) -> Ended:
        return run_here("duplicates", "--format", fmt, "--data-dir", indexed.data_dir, *more)

    whole = run("json")
    answer = json.loads(whole.stdout)
    assert whole.returncode == 0
    assert (len(answer["groups"]), answer["could_go"], answer["missing"]) == (2, 4, 0)
    assert "nothing was deleted" in whole.stderr
    assert [json.loads(line) for line in run("jsonl").stdout.splitlines()] == answer["groups"]
    could_go = [file["path"] for group in answer["groups"] for file in group["files"] if file["could_go"]]
    assert run("paths").stdout.splitlines() == could_go
    (folder / "a.png").unlink()
    table = run("table", "--in", "image")
    assert "missing" in table.stdout
    assert "1 of these files are missing" in table.stderr
    assert run("table", "--in", "smell").returncode == 2


def test_without_an_index_it_says_so(settings: Settings, run_here: Callable[..., Ended]) -> None:
    with pytest.raises(NoIndexError):
        find_duplicates(settings)
    assert run_here("duplicates", "--data-dir", settings.data_dir).returncode == 4
