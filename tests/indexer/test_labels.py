"""Tags and metadata by path, what an item is told of them, and the manifest of a version before there were any."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.stores.base import Facts
from omnisearch.stores.forms_version import FORMS
from omnisearch.stores.validation import MAX_NAMES, MAX_TEXT
from omnisearch_indexer.labels import parse_labelled_paths, parse_labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.path_labels import LabelTree, facts_json
from omnisearch_indexer.schema import VERSION
from omnisearch_indexer.walk import Signature
from tests.indexer.conftest import points_of, write_image


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    with closing(Manifest(tmp_path / MANIFEST_FILE, create=True)) as opened:
        yield opened


def held(path: str, size: int = 5, mtime_ns: int = 1_500_000_000) -> FileRow:
    return FileRow(path, Signature(size, mtime_ns, 1, 1), "decoder", item_id="i")


def label(manifest: Manifest, path: str, *words: str, anew: bool = False) -> None:
    tags = [word for word in words if "=" not in word]
    manifest.label([path], parse_labels(tags, [word for word in words if "=" in word]).pairs(), anew)


def test_labels_hold_below_their_path_and_deeper_metadata_counts(manifest: Manifest) -> None:
    label(manifest, "/a", "x", "who=ann", "where=here")
    label(manifest, "/a/b", "y", "who=bo")
    label(manifest, "/a/b/c.txt", "z")
    tree = LabelTree(manifest)
    deep = tree.of("/a/b/c.txt")
    assert (deep.tags, deep.meta) == ({"x", "y", "z"}, {"who": "bo", "where": "here"})
    assert tree.of("/a/bb").tags == {"x"}
    assert (tree.of("/ab").tags, tree.of("/ab").meta) == (frozenset(), {})


def test_labels_add_up_until_they_are_given_anew(manifest: Manifest) -> None:
    label(manifest, "/a", "x", "who=ann")
    label(manifest, "/a", "y", "who=bo=c")
    label(manifest, "/a")
    assert LabelTree(manifest).of("/a/f").tags == {"x", "y"}
    assert LabelTree(manifest).of("/a/f").meta == {"who": "bo=c"}
    label(manifest, "/a", "z", anew=True)
    assert (LabelTree(manifest).of("/a/f").tags, LabelTree(manifest).of("/a/f").meta) == ({"z"}, {})


def test_an_item_has_the_tags_of_all_its_files_and_the_rest_of_the_first(manifest: Manifest) -> None:
    label(manifest, "/a", "x", "who=ann")
    label(manifest, "/b", "y", "who=bo", "only=b")
    facts = LabelTree(manifest).facts("m/t", [held("/a/1", mtime_ns=2_250_000_000), held("/b/1", mtime_ns=9)])
    assert facts == Facts("/a/1", "m/t", 5, 2.0, ("x", "y"), {"who": "ann", "only": "b"}, ("b",))


def test_an_item_has_the_names_in_its_other_paths_once_and_a_bounded_number(manifest: Manifest) -> None:
    tree = LabelTree(manifest)
    assert tree.facts("", [held("/a/x.txt"), held("/a/b/x.txt"), held("/b/y.txt")]).names == ("b", "y.txt")
    many = tree.facts("", [held("/a"), *(held(f"/{n:05}") for n in range(9999))]).names
    assert many == tuple(f"{n:05}" for n in range(MAX_NAMES))
    long = tree.facts("", [held("/a"), *(held(f"/{n:0200}") for n in range(200))]).names
    assert MAX_TEXT - 201 < len("\n".join(long)) <= MAX_TEXT


def test_other_names_and_other_forms_of_words_are_told_again() -> None:
    facts = Facts("/a/1", names=("b",))
    assert facts_json(facts) != facts_json(replace(facts, names=()))
    with pytest.MonkeyPatch.context() as newer:
        before = facts_json(facts)
        newer.setattr("omnisearch_indexer.path_labels.FORMS", FORMS + 1)
        assert facts_json(facts) != before


@pytest.mark.parametrize(
    ("tags", "meta", "word"),
    [
        ([], ["author"], "KEY=VALUE"),
        ([], ["a.b=c"], "a.b"),
        ([""], [], "characters"),
        ([" x"], [], "' x'"),
        (["x" * 257], [], "256"),
        ([str(n) for n in range(65)], [], "64"),
    ],
)
def test_what_cannot_be_kept_is_refused(tags: list[str], meta: list[str], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse_labels(tags, meta)


def test_a_manifest_of_the_version_before_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    place = tmp_path / MANIFEST_FILE
    with closing(sqlite3.connect(place)) as old:
        old.executescript(
            """
            CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
            CREATE TABLE items (item_id TEXT PRIMARY KEY, modality TEXT NOT NULL, segments INTEGER NOT NULL,
                path BLOB NOT NULL, decoder TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
                inode INTEGER NOT NULL, device INTEGER NOT NULL, state TEXT NOT NULL, item_id TEXT REFERENCES items,
                reason TEXT, detail TEXT NOT NULL, attempts INTEGER NOT NULL, decoder TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE writing (item_id TEXT PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO items VALUES ('i', 'image', 1, CAST('/a/1' AS BLOB), 'decoder');
            INSERT INTO files VALUES
                (CAST('/a/1' AS BLOB), 5, 2000000000, 1, 1, 'indexed', 'i', NULL, '', 1, 'decoder');
            PRAGMA user_version = 1;
            """
        )
    with closing(Manifest(place)) as reading:
        assert reading.modalities() == {"image": (1, 1)}
    for _ in range(2):
        with closing(Manifest(place, create=True)) as manifest:
            [(item, [row])] = manifest.held()
            assert (item.id, item.mime, item.facts_json, row.path) == ("i", "", "", "/a/1")
            assert list(manifest.labels()) == []
    with closing(sqlite3.connect(place)) as new:
        assert new.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_path_may_name_its_tags(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b=c").mkdir()
    common = parse_labels(["all"], ["by=ann"])
    words = ("a", "a=holiday", "a=2025,work", "b=c", "b=c=x", "none=y")
    found = parse_labelled_paths([str(tmp_path / word) for word in words], common)
    tags = {Path(str(path)).name: labels.tags - {"all"} for path, labels in found.items()}
    assert tags == {"a": {"holiday", "2025", "work"}, "b=c": {"x"}, "none=y": set()}
    assert all(labels.tags >= {"all"} and labels.meta == {"by": "ann"} for labels in found.values())
    for word in ("a=", "a=x,", "a=" + "x" * 300):
        with pytest.raises(UsageError):
            parse_labelled_paths([str(tmp_path / word)], common)


def test_roots_of_one_run_have_their_own_labels(
    tmp_path: Path, settings: Settings, call: Callable[..., tuple[int, str]]
) -> None:
    for name in ("a", "b", "c"):
        write_image(tmp_path / name / f"{name}.png", seed=ord(name))
    flags = ("--data-dir", settings.data_dir, "--model", settings.model)
    roots = (tmp_path / "a", f"{tmp_path / 'b'}=work,2025", f"{tmp_path / 'c'}=holiday")
    assert call("index", *roots, "--tag", "mine", *flags)[0] == 0

    def tags() -> dict[str, set[str]]:
        return {Path(p.payload.path).name: set(p.payload.tags) for p in points_of(settings).values()}

    assert tags() == {"a.png": {"mine"}, "b.png": {"mine", "work", "2025"}, "c.png": {"mine", "holiday"}}
    assert call("index", f"{tmp_path / 'b'}=old", tmp_path / "c", "--relabel", *flags)[0] == 0
    assert tags() == {"a.png": {"mine"}, "b.png": {"old"}, "c.png": set()}
