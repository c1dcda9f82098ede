"""Paths as text and back."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.paths import find_path, is_missing, show_path

names = st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name and b"/" not in name)


def test_bytes_that_are_no_utf8_are_shown_as_percent() -> None:
    assert show_path(os.fsdecode(b"/caf\xe9/\xc3\xa9")) == "/caf%E9/\u00e9"
    assert show_path(os.fsdecode(b"/caf\xe9/5%25")) == "/caf%E9/5%2525"
    assert show_path("/100% caf%E9") == "/100% caf%E9"


@given(names)
def test_what_is_shown_is_unicode_and_leads_back(name: bytes) -> None:
    path = Path("/nowhere-at-all", os.fsdecode(name))
    shown = show_path(str(path))
    shown.encode()
    if shown != str(path):
        assert os.fsencode(find_path(shown)) == os.fsencode(path)


@pytest.mark.parametrize(
    "name", [b"caf\xe9%41.png", b"\xff%25.png", b"caf%E9.png", b"a%25.png", "\u00fc %.png".encode()]
)
def test_a_file_is_found_by_its_shown_path(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"x")
    assert find_path(show_path(str(path))) == path
    assert not is_missing(show_path(str(path)))
    path.unlink()
    assert is_missing(show_path(str(path)))


def test_only_what_is_gone_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    there = ["file", "link", ".", "x" * 300]  # a name too long cannot be looked at
    gone = ["none", "none/x", "file/x"]
    assert [is_missing(str(tmp_path / name)) for name in there + gone] == [False] * 4 + [True] * 3
