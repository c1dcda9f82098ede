"""A data directory that is full, read-only, damaged or in use: each has its sentence and its exit code."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import BusyError, DamageError, OmnisearchError, SettingsError, StoreError
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.schema import open_manifest_database
from omnisearch_indexer.session import index_files
from omnisearch_indexer.storage_errors import named_faults
from tests.indexer.conftest import write_image
from tests.indexer.damage import wait_for_worker


def code(number: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = number
    return error


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (code(sqlite3.SQLITE_FULL), StoreError, "full.*--data-dir"),
        (code(sqlite3.SQLITE_READONLY), SettingsError, "written.*--data-dir"),
        (code(sqlite3.SQLITE_READONLY | 6 << 8), SettingsError, "written.*--data-dir"),  # an extended code
        (code(sqlite3.SQLITE_CANTOPEN), SettingsError, "written.*--data-dir"),
        (code(sqlite3.SQLITE_BUSY), BusyError, "wait for it"),
        (code(sqlite3.SQLITE_NOTADB), DamageError, "damaged.*`omnisearch repair`"),
        (code(sqlite3.SQLITE_IOERR), StoreError, "as SQLite says"),
        (sqlite3.ProgrammingError("strange"), StoreError, "strange"),
        (OSError(errno.ENOSPC, "x", "/data/f"), StoreError, "/data/f: No space left.*--data-dir"),
        (OSError(errno.EROFS, "x", "/data/f"), SettingsError, "/data/f.*Read-only.*--data-dir"),
        (OSError(errno.EIO, "x"), StoreError, "/data: Input/output error.*run again"),
    ],
)
def test_every_fault_has_its_sentence(raised: Exception, kind: type[OmnisearchError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught, named_faults(Path("/data")):
        raise raised
    assert type(caught.value) is kind


def test_only_a_damaged_manifest_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST_FILE
    Manifest(path, create=True).close()
    with closing(open_manifest_database(path, create=True)) as owner:
        owner.execute("BEGIN EXCLUSIVE")
        with closing(Manifest(path, create=True)) as second:
            second._db.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(BusyError), named_faults(path):
                second.add_roots(["/a"])
        owner.execute("ROLLBACK")
    path.write_bytes(b"no database at all, but long enough to look at" * 100)
    with pytest.raises(StoreError, match="damaged"):
        Manifest(path, create=True)


def test_a_full_disk_leaves_the_transaction_behind(tmp_path: Path) -> None:
    with closing(Manifest(tmp_path / MANIFEST_FILE, create=True)) as manifest:
        (pages,) = manifest._db.execute("PRAGMA page_count").fetchone()
        manifest._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to have no more room
        with pytest.raises(StoreError, match="full"), named_faults(tmp_path):
            manifest.add_roots([f"/{n:0>200}" for n in range(500)])
        assert manifest.roots() == {}


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system without a free byte."""
    place = tmp_path / "full"
    place.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root mounts")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("cannot mount here")
    with (place / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("made", [True, False])
def test_a_full_disk_at_the_start(
    tmp_path: Path, settings: Settings, full_disk: Path, call: Callable[..., tuple[int, str]], made: bool
) -> None:
    data_dir = full_disk if made else full_disk / "data"
    folder = write_image(tmp_path / "files" / "p.png").parent
    with pytest.raises(OmnisearchError, match=r"No space left|is full"):
        index_files([folder], settings.model_copy(update={"data_dir": data_dir}))
    assert call("index", folder, "--data-dir", data_dir, "--model", settings.model)[0] in {1, 2}


READ = """
import os, sys
from pathlib import Path
from omnisearch.config import load_settings
from omnisearch.errors import SettingsError
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures, read_status
data_dir, folder = map(Path, sys.argv[1:])
settings = load_settings(data_dir=data_dir)
if not os.geteuid():
    os.setgid(65534), os.setuid(65534)
assert read_status(settings)["files"] == {"indexed": 1}, read_status(settings)
assert list(read_failures(settings, True)) == []
try:
    index_files([folder], settings)
except SettingsError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_read_only_data_directory_is_read_and_named(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)  # as another user enters no folder of pytest
        folder = write_image(place / "files" / "p.png").parent
        data_dir = place / "data"
        index_files([folder], settings.model_copy(update={"data_dir": data_dir}))
        made = (data_dir, *data_dir.rglob("*"))
        for path in made:
            path.chmod(0o555 if path.is_dir() else 0o444)
        run = subprocess.run([sys.executable, "-c", READ, data_dir, folder], capture_output=True, text=True)
        for path in made:
            path.chmod(0o755)
        wait_for_worker(Settings(data_dir=data_dir))  # it writes while it ends
    assert run.returncode == 0, run.stderr
    assert str(data_dir) in run.stdout
    assert "--data-dir" in run.stdout
    assert "damaged" not in run.stdout
