"""Globs: which files one run includes and excludes, and what happens to those that an earlier run indexed."""

from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch_indexer.globs import parse_globs
from omnisearch_indexer.session import index_files
from omnisearch_indexer.walk import Walk
from tests.indexer.conftest import paths_of
from tests.indexer.test_walk import make, names


def test_files_are_included_and_excluded_as_by_git(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.txt", "drafts/c.jpg", "sub/d.jpg", "sub/drafts/e.jpg", "sub/f.png", "raw/g.jpg")
    (tmp_path / "sub" / ".omnisearchignore").write_text("f.*\n")
    assert names(tmp_path, globs=parse_globs(["*.jpg"], [])) == [
        "a.jpg",
        "drafts/c.jpg",
        "raw/g.jpg",
        "sub/d.jpg",
        "sub/drafts/e.jpg",
    ]
    both = parse_globs(["*.jpg", "*.png", "!raw/*"], ["/drafts/"])
    assert names(tmp_path, globs=both) == ["a.jpg", "sub/d.jpg", "sub/drafts/e.jpg"]  # f.png is ignored by its folder
    assert names(tmp_path, globs=parse_globs(["sub/"], ["e.*"])) == ["sub/d.jpg"]


@pytest.mark.parametrize("glob", ["", " ", "# a comment", "[[:alpha:]]*"])
def test_a_glob_without_a_pattern_is_refused(glob: str) -> None:
    with pytest.raises(UsageError, match=r"--exclude .*write a pattern"):
        parse_globs([], [glob])


def test_places_that_changed_are_walked_by_the_rules_above_them(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c.txt", "a/b/d.tmp", "build/x", ".git/y", "a/new/z.txt", "node_modules/m")
    (tmp_path / ".omnisearchignore").write_text("*.tmp\nbuild/\n")
    (tmp_path / "a" / ".omnisearchignore").write_text("!d.tmp\n/new/*\n")
    (tmp_path / "link").symlink_to("a")
    places = ["a/b", "a/new/z.txt", "build/x", "build", ".git/y", "gone/x", "link/b", "node_modules/m"]
    walk = Walk([str(tmp_path / place) for place in places], within=[str(tmp_path)])
    assert [Path(found.path).name for found in walk] == ["c.txt", "d.tmp"]
    assert walk.unread == []


def test_files_that_an_earlier_run_indexed_stay_until_they_are_gone_or_pruned(
    tmp_path: Path, settings: Settings
) -> None:
    files = tmp_path / "files"
    make(files, "a.txt", "notes/b.txt", "notes/c.txt")
    for path in files.rglob("*.txt"):
        path.write_text(f"the words of {path.name}")
    index_files([files], settings)
    (files / "notes" / "c.txt").unlink()
    without_notes = parse_globs([], ["notes/"])
    report = index_files([files], settings, globs=without_notes)
    assert (report.seen, report.removed, report.complete) == (1, 1, True)
    assert paths_of(settings) == {str(files / "a.txt"), str(files / "notes" / "b.txt")}
    index_files([files], settings, globs=without_notes, prune=True)
    assert paths_of(settings) == {str(files / "a.txt")}
