"""Icon sets of iconify: which icons are drawn, and as what."""

import json
from pathlib import Path

import pytest

from omnisearch.types import Modality
from omnisearch_training.datasets import iconify
from omnisearch_training.datasets.base import Workshop
from omnisearch_training.datasets.wordnet import WORDNET

SET = iconify.iconify("toys", "1.0.0")
ICONS = {
    "width": 24,
    "icons": {
        "toy-dog": {"body": "<path/>"},
        "dog": {"body": "<circle/>", "left": 3, "height": 12},
        "cat": {"body": "<path/>", "hidden": True},
        "dog-plus": {"body": "<path/>"},
        "idea": {"body": "<path/>"},
    },
}


def workshop(folder: Path) -> Workshop:
    words = folder / "usr/share/wordnet"
    words.mkdir(parents=True)
    (words / "data.noun").write_text(
        "00000100 05 n 01 cat 0 000 | a pet that purrs\n"
        "00000200 05 n 01 dog 0 001 @ 00000100 n 0000 | a pet that barks\n"
        "00000300 06 n 02 toy_dog 0 plaything 0 000 | a dog to play with\n"
        "00000400 09 n 01 idea 0 000 | a thought\n"
    )
    lines = {"cat": 100, "dog": 200, "toy_dog": 300, "idea": 400}
    (words / "index.noun").write_text("".join(f"{word} n 1 0 1 0 {at:08}\n" for word, at in lines.items()))
    (folder / "icons.json").write_text(json.dumps(ICONS))
    return Workshop({WORDNET.name: folder, SET.name: folder}, folder / "out")


def test_icons_named_after_one_visible_thing_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, Path]] = []
    monkeypatch.setattr(iconify, "rasterise", lambda jobs: [drawn.append(job) is None for job in jobs])
    found = list(iconify.named_things(workshop(tmp_path), [SET]))
    assert [(draft.key, draft.name) for draft in found] == [("toy-dog.toys", "toy dog"), ("dog.toys", "dog")]
    assert found[1].details == ("dog, a kind of cat: a pet that barks",)
    assert [path for _, path in drawn] == [draft.files[Modality.IMAGE] for draft in found]


def test_an_icon_is_drawn_in_its_own_box(tmp_path: Path) -> None:
    (tmp_path / "icons.json").write_text(json.dumps(ICONS))
    svg = dict(iconify.icons_of(tmp_path))
    assert list(svg) == ["toy-dog", "dog", "dog-plus", "idea"]
    assert 'width="24" height="12" viewBox="3 0 24 12"><circle/></svg>' in svg["dog"]
    assert 'width="24" height="16" viewBox="0 0 24 16"><path/></svg>' in svg["toy-dog"]
