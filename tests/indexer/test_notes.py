"""Notes on how a file was read: from its decoder to the report, the list of errors and the hit."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import NotReadyError
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Decoded, Piece
from omnisearch_indexer import intents, session
from omnisearch_indexer.dry_run import dry_run_files
from omnisearch_indexer.intents import Intent
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.session import index_files
from omnisearch_indexer.verify import verify_index
from tests.indexer.conftest import points_of, write_image
from tests.indexer.test_session import counts

CUT = "partly read: the file ends after 3.2 of 8 seconds"
NOTES = {"cut.png": [CUT], "old.png": ["text read as windows-1252"], "both.png": ["read as HDR", CUT], "good.png": []}


class Noting(DecoderPool):
    """Adds the notes of a file when its pieces end, as decoders do."""

    def decode(self, path: Path, follow_links: bool = True) -> Decoded:  # type: ignore[override]
        decoded, notes = super().decode(path, follow_links), []
        return Decoded(decoded.info, self._stream(decoded.pieces, path, notes), notes)

    def _stream(self, pieces: Iterator[Piece], path: Path, notes: list[str]) -> Iterator[Piece]:
        yield from pieces
        notes.extend(NOTES[path.name])


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with Noting(settings, settings.workers) as pool:

        @contextmanager
        def decoders(settings: Settings, workers: int, **options: object) -> Iterator[Noting]:
            yield pool

        monkeypatch.setattr(session, "decoder_pool", decoders)
        for seed, name in enumerate(NOTES):
            write_image(tmp_path / "files" / name, seed=seed)
        yield tmp_path / "files"


def test_points_carry_the_notes_of_their_file(
    folder: Path, settings: Settings, call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    index_files([folder], settings)
    noted = {Path(point.payload.path).name: list(point.payload.notes) for point in points_of(settings).values()}
    assert noted == NOTES
    flags = ("--data-dir", settings.data_dir, "--model", settings.model, "--format", "json", "--no-fold")
    hits = json.loads(call("search", folder / "good.png", "--include-self", *flags)[1])
    assert {Path(hit["path"]).name: hit["notes"] for hit in hits} == NOTES


def test_a_run_counts_the_files_that_are_partly_read(folder: Path, settings: Settings) -> None:
    for expected in ({"new": 4}, {"unchanged": 4}):
        report = index_files([folder], settings)
        assert (counts(report), report.partly_read, report.fields()["partly_read"]) == (expected, 2, 2)
        assert "2 of them partly read" in str(report)
    assert dry_run_files([folder], settings).report.partly_read == 2
    assert index_files([folder / "cut.png"], settings).partly_read == 1
    assert index_files([folder / "good.png"], settings).partly_read == 0


def test_errors_all_names_the_files_that_are_partly_read(
    folder: Path, settings: Settings, call: Callable[..., tuple[int, str]]
) -> None:
    index_files([folder], settings)
    flags = ("--data-dir", settings.data_dir, "--format", "json")
    assert json.loads(call("errors", *flags)[1]) == []
    rows = json.loads(call("errors", "--all", *flags)[1])
    assert [(Path(row["path"]).name, row["state"], row["message"]) for row in rows] == [
        ("both.png", "indexed", CUT),
        ("cut.png", "indexed", CUT),
    ]


def test_a_manifest_without_notes_is_read_and_brought_up_to_date(
    folder: Path, settings: Settings, call: Callable[..., tuple[int, str]]
) -> None:
    index_files([folder], settings)
    place = settings.data_dir / MANIFEST_FILE
    with closing(sqlite3.connect(place)) as older:
        older.executescript(
            """
            ALTER TABLE items DROP COLUMN notes;
            ALTER TABLE items DROP COLUMN metadata;
            ALTER TABLE items DROP COLUMN reading;
            ALTER TABLE items DROP COLUMN found;
            ALTER TABLE items DROP COLUMN added;
            ALTER TABLE roots DROP COLUMN indexed;
            DROP TABLE writing;
            DROP TABLE keys;
            CREATE TABLE writing (item_id TEXT PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO writing SELECT item_id FROM items LIMIT 1;
            PRAGMA user_version = 2;
            """
        )
    with closing(Manifest(place)) as reading:
        assert (len(reading.intents), list(reading.partly_read()), reading.is_old) == (1, [], True)
    with pytest.raises(NotReadyError, match="the index was made by an older version: run `omnisearch index"):
        verify_index(settings)
    report = index_files([folder], settings)
    assert counts(report) == {"changed": 1, "unchanged": 3}  # the one that was being written is read again
    with closing(Manifest(place)) as manifest:
        assert (len(manifest.intents), manifest.is_old) == (0, False)
        assert sum(bool(item.notes) for item in manifest.items()) <= 1


def test_the_tables_of_intents_are_the_same_new_and_upgraded(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new")) as new, closing(sqlite3.connect(tmp_path / "old")) as old:
        new.executescript(intents.SCHEMA)
        old.executescript("CREATE TABLE writing (item_id TEXT PRIMARY KEY) WITHOUT ROWID;" + intents.UPGRADE)
        for db in (new, old):
            made = intents.Intents(db)
            made.add(Intent("i", "/a", "d"), ["k", "l"])
            made.add(Intent("i", "/b", "e"), ["l", "m"])
            assert (made.all(), made.keys(["i"]), len(made)) == ([Intent("i", "/b", "e")], ["k", "l", "m"], 1)
            made.settle(["i"])
            assert (made.find("i"), made.keys(["i"])) == (None, [])
