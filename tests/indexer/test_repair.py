"""Damaged indexes: each is refused with a command to run, and right after that command."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.cli.typer_app import CommandGroup
from omnisearch.config import Settings
from omnisearch.errors import DamageError, FingerprintError, NoIndexError, OmnisearchError, StoreError
from omnisearch.stores import edge_link
from omnisearch.stores.base import Point, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, INDEX_FILE
from omnisearch_indexer.check_result import CheckState
from omnisearch_indexer.item_metadata import keeps_gps
from omnisearch_indexer.labels import parse_labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.repair import repair_index
from omnisearch_indexer.session import index_files
from omnisearch_indexer.verify import Finding, verify_index
from tests.conftest import write_hashed_model
from tests.indexer.conftest import points_of
from tests.indexer.damage import DAMAGES, copy_index, flip, halve, wait_for_worker, zero
from tests.indexer.sound import Sound, answers, is_right, same
from tests.indexer.test_crash import ended, start
from tests.indexer.test_session import counts
from tests.stores.fake_server import FakeServer, running


@pytest.fixture(autouse=True)
def _short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines end with their client, so that the next one reads the files as they are."""
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)


@pytest.fixture
def damaged(sound: Sound, tmp_path: Path) -> Settings:
    """A copy of the index, to be damaged."""
    return copy_index(sound.settings, tmp_path / "copy")


@pytest.fixture
def away(sound: Sound) -> Iterator[Path]:
    """The files are not where they were; moving them back is allowed."""
    hidden = sound.folder.with_name("hidden")
    sound.folder.rename(hidden)
    yield hidden
    if hidden.exists():
        hidden.rename(sound.folder)


def failures(settings: Settings) -> list[Finding]:
    found = [each for each in verify_index(settings).findings if each.state is CheckState.FAIL]
    wait_for_worker(settings)
    return found


def is_well(settings: Settings) -> bool:
    return failures(settings) == []


def refusal(call: Callable[[], object]) -> str:
    """The message that a call is refused with; empty where it is not."""
    try:
        call()
    except OmnisearchError as error:
        return str(error)
    return ""


def one(settings: Settings, pattern: str) -> Path:
    """The file of this name that holds most: segments have files of one size, and only one of them has points."""
    return max(settings.data_dir.glob(pattern), key=held)


def held(path: Path) -> int:
    """The number of bytes of a file that are not zero."""
    return int(np.count_nonzero(np.fromfile(path, np.uint8)))


ROWS, INDEX = f"{EMBEDDINGS_DIRECTORY}/*image.f32", f"{EMBEDDINGS_DIRECTORY}/{INDEX_FILE}"
SEGMENT = "vectors/omni__*/segments/*/"
VECTORS, PAYLOADS = f"{SEGMENT}vector_storage/vectors/chunk_0.mmap", f"{SEGMENT}payload_storage/page_0.dat"
VERSION, ALIAS, WAL = f"{SEGMENT}version.info", "vectors/alias.json", "vectors/omni__*/wal/*"


OFTEN = [(ROWS, "flip"), (INDEX, "zero"), (VECTORS, "zero"), (ALIAS, "flip")]
SELDOM = [
    *[(ROWS, how) for how in ("halve", "zero", "delete")],
    *[(INDEX, how) for how in ("flip", "halve", "delete")],
    *[(VECTORS, how) for how in ("flip", "delete")],
    *[(PAYLOADS, how) for how in ("zero", "flip", "delete")],
    (f"{SEGMENT}segment.json", "zero"),
    *[(ALIAS, how) for how in ("zero", "halve")],
    (f"{SEGMENT}vector_storage-text/deleted/flags_a.dat", "delete"),
]


@pytest.mark.parametrize(
    ("pattern", "how"), [*OFTEN, *(pytest.param(*case, marks=pytest.mark.slow) for case in SELDOM)]
)
def test_damage_is_found_and_its_way_out_makes_it_right(
    sound: Sound, damaged: Settings, pattern: str, how: str
) -> None:
    DAMAGES[how](one(damaged, pattern))
    found = failures(damaged)
    assert found
    assert all("`omnisearch repair`" in each.value + each.way_out for each in found)
    assert not repair_index(damaged).not_repaired
    assert is_well(damaged)
    assert is_right(damaged, sound)
    assert not repair_index(damaged).found_damage
    assert counts(index_files([sound.folder], damaged)) == {"unchanged": len(sound.good)}


def kinds_of_files(folder: Path) -> list[Path]:
    """A file of each kind: the indexes of the fields of payloads are alike, and so are the embeddings of modalities."""
    kinds: dict[tuple[str, ...], Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(("lock", ".log", MANIFEST_FILE)) and held(path):
            kind = path.parent.name.rpartition("-")[2], ".f32" if path.suffix == ".f32" else path.name
            if kind not in kinds or held(path) > held(kinds[kind]):
                kinds[kind] = path
    return list(kinds.values())


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGES)
def test_every_kind_of_file_may_be_damaged(sound: Sound, tmp_path: Path, how: str) -> None:
    """Damage that is not found makes no difference, and all is right after the repair."""
    wait_for_worker(sound.settings)
    for n, path in enumerate(kinds_of_files(sound.settings.data_dir)):
        settings = copy_index(sound.settings, tmp_path / str(n))
        DAMAGES[how](settings.data_dir / path.relative_to(sound.settings.data_dir))
        found = failures(settings)
        assert found or is_right(settings, sound), path
        wait_for_worker(settings)
        report = repair_index(settings)
        assert not report.not_repaired, path
        wait_for_worker(settings)  # until it restarts, the engine counts replaced points when it weighs words
        if found or report.found_damage:
            assert is_right(settings, sound), path
            wait_for_worker(settings)
        shutil.rmtree(settings.data_dir, ignore_errors=True)


@pytest.mark.parametrize(
    ("pattern", "how"),
    [
        (WAL, "flip"),
        (VERSION, "delete"),
        *(pytest.param(WAL, how, marks=pytest.mark.slow) for how in DAMAGES if how != "flip"),
        pytest.param(f"{SEGMENT}payload_storage/tracker.dat", "zero", marks=pytest.mark.slow),
    ],
)
def test_damage_is_found_unless_the_engine_mends_it_by_its_log(
    sound: Sound, damaged: Settings, pattern: str, how: str
) -> None:
    DAMAGES[how](one(damaged, pattern))
    assert failures(damaged) or is_right(damaged, sound)
    wait_for_worker(damaged)
    assert not repair_index(damaged).not_repaired
    assert is_right(damaged, sound)
    assert is_well(damaged)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern", [VECTORS, PAYLOADS, f"{SEGMENT}segment.json"], ids=["vectors", "payloads", "segment"]
)
def test_a_search_that_meets_damage_names_the_repair(sound: Sound, damaged: Settings, pattern: str) -> None:
    one(damaged, pattern).write_bytes(b"")
    assert "`omnisearch repair`" in refusal(lambda: answers(damaged))
    wait_for_worker(damaged)
    repair_index(damaged)
    assert is_right(damaged, sound)


def test_a_collection_that_is_gone_is_made_again_without_encoding(
    sound: Sound, damaged: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    [collection] = damaged.data_dir.glob("vectors/omni__*")
    shutil.rmtree(collection)
    with pytest.raises(NoIndexError, match="`omnisearch repair`"):
        answers(damaged)
    wait_for_worker(damaged)
    monkeypatch.setattr(OmniBind, "encode_spaces", None)
    report = repair_index(damaged)
    assert (report.read_again, report.not_repaired) == (len(sound.good), [])
    monkeypatch.undo()
    assert is_right(damaged, sound)


def test_vectors_are_made_from_embeddings_without_the_files(sound: Sound, damaged: Settings, away: Path) -> None:
    zero(one(damaged, VECTORS))
    flip(one(damaged, f"{SEGMENT}payload_index/*modality-map/page_0.dat"))
    report = repair_index(damaged)
    assert (report.rebuilt, report.read_again, report.not_repaired) == (True, 0, [])
    assert is_right(damaged, sound)


def test_only_what_cannot_be_read_of_the_engine_is_read_from_files(
    sound: Sound, damaged: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One payload that the engine cannot decompress spoils a whole scroll, and costs one file."""
    page = one(damaged, PAYLOADS)
    data = bytearray(page.read_bytes())
    data[8:40] = b"\xff" * 32
    page.write_bytes(data)
    monkeypatch.setattr(OmniBind, "encode_spaces", None)
    report = repair_index(damaged)
    assert (report.rebuilt, report.read_again, report.not_repaired) == (True, 1, [])
    monkeypatch.undo()
    assert is_right(damaged, sound)


def test_items_whose_files_are_away_stay_and_are_named(sound: Sound, damaged: Settings, away: Path) -> None:
    flip(one(damaged, ROWS))
    report = repair_index(damaged)
    images = [str(path) for path in sound.good if path.suffix == ".png"]
    assert [path for path, _ in report.not_repaired] == images
    assert is_right(damaged, sound)
    [marked] = [each for each in verify_index(damaged).findings if each.check == "unfinished"]
    assert (marked.state, marked.way_out, list(marked.paths)) == (CheckState.WARN, "run `omnisearch repair`", images)
    wait_for_worker(damaged)
    away.rename(sound.folder)
    report = repair_index(damaged)
    assert (report.read_again, report.not_repaired) == (len(images), [])
    assert is_well(damaged)
    assert is_right(damaged, sound)


def test_a_file_that_changed_meanwhile_is_indexed_as_it_is(damaged: Settings, sound: Sound, tmp_path: Path) -> None:
    folder = shutil.copytree(sound.folder, tmp_path / "own")
    settings = damaged.model_copy(update={"data_dir": tmp_path / "other"})
    index_files([folder], settings)
    wait_for_worker(settings)
    halve(one(settings, f"{EMBEDDINGS_DIRECTORY}/*text.f32"))
    (folder / "note1.txt").write_text("something else")
    assert not repair_index(settings).not_repaired
    fresh = settings.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([folder], fresh)
    assert same(points_of(settings), points_of(fresh))


@pytest.mark.parametrize("how", ["halve", pytest.param("delete", marks=pytest.mark.slow)])
@pytest.mark.parametrize("pattern", [ROWS, INDEX])
def test_the_indexer_encodes_lost_embeddings_again(sound: Sound, damaged: Settings, pattern: str, how: str) -> None:
    DAMAGES[how](one(damaged, pattern))
    if refused := refusal(lambda: index_files([sound.folder], damaged)):
        assert (pattern, how) == (INDEX, "halve")
        assert "`omnisearch repair`" in refused
        repair_index(damaged)
    assert is_well(damaged)
    assert is_right(damaged, sound)


def write_without_checksums(settings: Settings) -> None:
    """Make the embeddings those of a version before checksums."""
    with closing(sqlite3.connect(settings.data_dir / EMBEDDINGS_DIRECTORY / INDEX_FILE)) as index:
        index.executescript("ALTER TABLE places DROP COLUMN sum; PRAGMA user_version = 0")


def test_an_index_without_checksums_is_upgraded(sound: Sound, damaged: Settings) -> None:
    write_without_checksums(damaged)
    assert is_well(damaged)
    assert not repair_index(damaged).found_damage
    (sound.folder / "fresh.txt").write_text("a fresh text")
    try:
        assert counts(index_files([sound.folder], damaged))["new"] == 1
    finally:
        (sound.folder / "fresh.txt").unlink()
    index_files([sound.folder], damaged)
    wait_for_worker(damaged)
    assert is_right(damaged, sound)
    flip(one(damaged, ROWS))
    assert not is_well(damaged)


def test_damage_before_the_upgrade_is_found_by_the_vectors(sound: Sound, damaged: Settings) -> None:
    """Without a checksum, an embedding that does not give the vector of its point is as good as lost."""
    write_without_checksums(damaged)
    flip(one(damaged, ROWS))
    assert not is_well(damaged)
    assert not repair_index(damaged).not_repaired
    wait_for_worker(damaged)  # An engine counts rewritten points twice in the frequencies of words, until it is opened.
    assert is_right(damaged, sound)


def test_rebinding_uses_no_damaged_embedding(
    sound: Sound, damaged: Settings, tmp_path: Path, call: Callable[..., tuple[int, str]]
) -> None:
    flip(one(damaged, ROWS))
    other = damaged.model_copy(update={"model": str(write_hashed_model(tmp_path / "other", "other"))})
    status, stdout = call("rebind", "--data-dir", other.data_dir, "--model", other.model)
    images = {point.payload.item_id for point in sound.points.values() if point.payload.modality == "image"}
    assert (status, json.loads(stdout)["lost_items"]) == (3, len(images))
    kept = {key: point for key, point in sound.points.items() if point.payload.item_id not in images}
    assert same(points_of(other), kept)
    wait_for_worker(other)
    repair_index(other)
    assert is_right(other, sound)
    assert is_well(other)


@pytest.mark.parametrize(
    "how", ["flip", "delete", *(pytest.param(how, marks=pytest.mark.slow) for how in ("zero", "halve"))]
)
def test_a_manifest_that_is_damaged_is_rebuilt_from_the_points(
    sound: Sound, damaged: Settings, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DAMAGES[how](damaged.data_dir / MANIFEST_FILE)
    monkeypatch.setattr(OmniBind, "encode_spaces", None)
    if refused := refusal(lambda: index_files([sound.folder], damaged)):
        assert "run `omnisearch repair`" in refused
        report = repair_index(damaged)
        assert (report.rebuilt_manifest, report.not_repaired) == (True, [])
        assert bool(report.old_manifest) == (how != "delete")
    assert counts(index_files([sound.folder], damaged)) == {"unchanged": len(sound.good)}
    monkeypatch.undo()
    assert is_right(damaged, sound)
    assert is_well(damaged)


@pytest.mark.slow
def test_a_rebuilt_manifest_has_labels_and_leaves_places_out_as_before(
    sound: Sound, damaged: Settings, away: Path
) -> None:
    """Also of files that are away."""
    labels = parse_labels(["holiday"], ["by=ann"])
    away.rename(sound.folder)
    index_files([sound.folder], damaged.model_copy(update={"gps": False}), labels=labels)
    before = points_of(damaged)
    place = damaged.data_dir / MANIFEST_FILE
    sound.folder.rename(away)
    for roots in ([str(sound.folder)], []):  # from the old manifest, then from the payloads alone
        if not roots:
            place.unlink()
            place.with_name(f"{place.name}.damaged").unlink()
        else:
            spoil_manifest(place, spoil("items.modality", "'imago'"))
        report = repair_index(damaged)
        assert (report.rebuilt_manifest, report.roots) == (True, roots)
        assert points_of(damaged).keys() == before.keys()
        for key, point in points_of(damaged).items():
            assert point.payload == before[key].payload
        with closing(Manifest(place)) as manifest:
            assert not keeps_gps(manifest)


def test_a_manifest_that_is_missing_is_not_taken_for_an_empty_index(sound: Sound, damaged: Settings) -> None:
    (damaged.data_dir / MANIFEST_FILE).unlink()
    for _ in range(2):
        with pytest.raises(DamageError, match=r"the engine has .* points: run `omnisearch repair`"):
            index_files([sound.folder / "note0.txt"], damaged)
    assert same(points_of(damaged), sound.points)


@pytest.mark.slow
def test_the_manifest_of_a_server_has_the_items_whose_embeddings_are_here(sound: Sound, tmp_path: Path) -> None:
    with running(FakeServer()) as fake:
        one, other = (
            sound.settings.model_copy(update={"store": fake.url, "data_dir": tmp_path / name}) for name in "ab"
        )
        index_files([sound.folder / "note0.txt"], one)
        index_files([sound.folder / "s0.wav"], other)
        (one.data_dir / MANIFEST_FILE).unlink()
        assert repair_index(one).rebuilt_manifest
        with closing(Manifest(one.data_dir / MANIFEST_FILE)) as manifest:
            assert [row.path for _, rows in manifest.held() for row in rows] == [str(sound.folder / "note0.txt")]


def spoil_manifest(place: Path, change: str) -> None:
    with closing(sqlite3.connect(place)) as manifest, manifest:
        manifest.execute("PRAGMA foreign_keys = OFF")
        manifest.execute(change)


def spoil(column: str, value: object) -> str:
    return f"UPDATE {column.partition('.')[0]} SET {column.partition('.')[2]} = {value}"


@pytest.mark.parametrize(
    "change",
    [
        spoil("items.modality", "'imago'"),
        spoil("items.told", "CAST(x'5b22ff' AS TEXT)"),
        *(
            pytest.param(change, marks=pytest.mark.slow)
            for change in (
                spoil("items.segments", "segments + 1"),
                spoil("files.path", "x'ff' || path"),
                spoil("items.item_id", "'0' || item_id"),
                spoil("files.item_id", "'0' || item_id"),
                spoil("files.decoder", "CAST(x'ff' AS TEXT)"),
                spoil("files.size", "size + 1"),
            )
        ),
    ],
)
def test_a_changed_value_in_the_manifest_is_refused_or_mended(sound: Sound, damaged: Settings, change: str) -> None:
    spoil_manifest(damaged.data_dir / MANIFEST_FILE, change)
    if refused := refusal(lambda: index_files([sound.folder], damaged)):
        assert "run `omnisearch repair`" in refused
        assert repair_index(damaged).rebuilt_manifest
        index_files([sound.folder], damaged)
    assert is_right(damaged, sound)
    assert is_well(damaged)


def test_embeddings_that_cannot_be_opened_are_not_set_aside(damaged: Settings) -> None:
    place = damaged.data_dir / INDEX
    before = place.read_bytes()
    place.rename(place.with_suffix(".hidden"))
    place.mkdir()
    with pytest.raises(StoreError, match="unable to open") as refused:
        repair_index(damaged)
    assert not isinstance(refused.value, DamageError)
    assert place.is_dir()
    assert place.with_suffix(".hidden").read_bytes() == before


def test_another_model_is_refused(damaged: Settings, tmp_path: Path) -> None:
    other = damaged.model_copy(update={"model": str(write_other_model(tmp_path / "other"))})
    with pytest.raises(FingerprintError, match="`omnisearch rebind`"):
        repair_index(other)


def write_other_model(folder: Path) -> Path:
    from tests.indexer.test_rebind import write_model

    return write_model(folder, 1)


@pytest.mark.slow
def test_a_server_keeps_its_collection_and_gets_what_it_lost(sound: Sound, damaged: Settings, tmp_path: Path) -> None:
    with running(FakeServer()) as fake:
        served = damaged.model_copy(update={"store": fake.url, "data_dir": tmp_path / "served"})
        index_files([sound.folder], served)
        model = OmniBind.load(served.model, served)
        with closing(store_of(served, model)) as store:
            first, *_, last = sorted(sound.points.values(), key=lambda point: point.id)
            store.delete([first.payload.item_id])
            store.upsert([Point(last.id, -last.vector, last.payload)])
        report = repair_index(served)
        assert (report.rebuilt, report.read_again, report.not_repaired) == (False, 2, [])
        assert same(points_of(served), sound.points)


def store_of(settings: Settings, model: OmniBind) -> VectorStore:
    return open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False)


# Kills itself at the n-th durable step, for n = 1, 2, ... each time in a fresh copy of the damaged index.
DRIVER = """
import os, shutil, signal, sys
from pathlib import Path
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.stores import edge_link
from omnisearch.stores.edge import EdgeCatalog, EdgeStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer import repair
from omnisearch_indexer.intents import Intents
from omnisearch_indexer.manifest import Manifest
from tests.indexer.damage import copy_data, wait_for_worker

edge_link.LINGER_SECONDS = 0.05
left = 0

def around(owner, name):
    original = getattr(owner, name)
    def step():
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def wrapped(*args, **kwargs):
        step()
        result = original(*args, **kwargs)
        step()
        return result
    setattr(owner, name, wrapped)

for owner, names in (
    (EdgeStore, ("upsert", "describe", "delete")), (EdgeCatalog, ("create", "point", "drop")),
    (Manifest, ("mark_suspect", "put_items", "put_files")), (Intents, ("add", "settle")),
    (SpaceEmbeddingStore, ("flush",)),
):
    for name in names:
        around(owner, name)
damaged, place = Path(sys.argv[2]), Path(sys.argv[3])
settings = load_settings(model=sys.argv[1], data_dir=place, workers=2)
OmniBind.load(settings.model, settings)
for at in range(1, 300):
    wait_for_worker(settings)
    if not place.exists():
        shutil.copytree(damaged, place, copy_function=copy_data)
    if not (child := os.fork()):
        left = at
        repair.repair_index(settings)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        break
print(at)
sys.exit(status)
"""


@pytest.mark.slow
def test_a_kill_at_every_step_is_completed_by_the_next_repair(sound: Sound, damaged: Settings, tmp_path: Path) -> None:
    flip(one(damaged, ROWS))
    zero(one(damaged, PAYLOADS))
    place = tmp_path / "killed"
    status, stdout, stderr = ended(start("-c", DRIVER, damaged.model, damaged.data_dir, place))
    assert status == 0, stderr
    assert int(stdout) > 2
    killed = damaged.model_copy(update={"data_dir": place})
    assert is_right(killed, sound)
    assert is_well(killed)


def test_the_command(sound: Sound, damaged: Settings, capsys: pytest.CaptureFixture[str], away: Path) -> None:
    from typer.testing import CliRunner

    from omnisearch_indexer.cli.repair import repair as command

    app = CommandGroup()
    app.command()(command)

    def run() -> tuple[int, dict[str, Any]]:
        flags = ("--data-dir", str(damaged.data_dir), "--model", damaged.model, "--format", "json")
        result = CliRunner().invoke(app, flags)
        return result.exit_code, json.loads(result.stdout)

    status, found = run()
    assert (status, found["damaged_embeddings"], found["not_repaired"], found["rebuilt"]) == (0, 0, [], False)
    assert found["points"] == len(sound.points)
    wait_for_worker(damaged)
    flip(one(damaged, ROWS))
    status, found = run()
    assert (status, found["damaged_embeddings"]) == (3, 2)
    assert {Path(row["path"]).suffix for row in found["not_repaired"]} == {".png"}
    away.rename(sound.folder)
    status, found = run()
    assert (status, found["read_again"], found["not_repaired"]) == (0, 2, [])


def test_it_needs_an_index(settings: Settings) -> None:
    with pytest.raises(NoIndexError, match="`omnisearch index PATH`"):
        repair_index(settings)
    assert not settings.data_dir.exists()
