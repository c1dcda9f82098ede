"""What files say of themselves: from the decoder through the manifest to the engine, with and without places."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.stores.base import Filter, Payload
from omnisearch.stores.catalog import open_current
from omnisearch_indexer import places
from omnisearch_indexer.item_metadata import keeps_gps
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.places import place_names
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_status
from tests.indexer.conftest import points_of, write_image
from tests.media import metadata_makers as made

LISBON, TAKEN = (38.7223, -9.1393), {0x9003: "2023:07:14 15:30:05", 0x9011: "+01:00"}


@pytest.fixture(autouse=True)
def _one_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests the tables of places, which take seconds to load."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(places, "place_names", lambda points: ["Lisbon, Portugal"] * len(points))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture that says when and where it was taken, and one that says nothing."""
    write_image(tmp_path / "files" / "plain.png")
    exif = made.exif({0x0110: "X100"}, TAKEN, made.position(*LISBON))
    (tmp_path / "files" / "beach.jpg").write_bytes(made.jpeg(exif))
    return tmp_path / "files"


def kept(settings: Settings) -> dict[str, Metadata | None]:
    """The metadata of the items in the manifest, which must be those of the engine."""
    engine = {point.payload.item_id: point.payload for point in points_of(settings).values()}
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        for item in manifest.items():
            assert engine[item.id].metadata == (item.metadata or NO_METADATA)
        return {Path(rows[0].path).name: item.metadata for item, rows in manifest.held()}


def payload(settings: Settings, name: str) -> Payload:
    return next(p.payload for p in points_of(settings).values() if p.payload.path.endswith(name))


def no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it encodes")

    monkeypatch.setattr(OmniBind, "encode_spaces", refuse)


def test_metadata_reach_the_manifest_and_the_engine(folder: Path, settings: Settings) -> None:
    index_files([folder], settings)
    found = kept(settings)
    assert found["plain.png"] == NO_METADATA
    beach = found["beach.jpg"]
    assert beach is not None
    assert (beach.camera, beach.time) == ("X100", "2023-07-14T15:30:05+01:00")
    assert beach.place == "Lisbon, Portugal"
    engine = payload(settings, "beach.jpg")
    assert engine.date == beach.taken
    assert payload(settings, "plain.png").date == payload(settings, "plain.png").mtime


def test_items_are_filtered_by_metadata(folder: Path, settings: Settings) -> None:
    index_files([folder], settings)
    with closing(open_current(settings)) as store:
        for condition, expected in {
            "taken:2023-07": 1,
            "taken<2023": 0,
            "!has:taken": 1,
            "camera:x100": 1,
            "place:lisbon portugal": 1,
            "place:38.7,-9.1,10km": 1,
            "place:38.7,-9.1,1km": 0,
            "has:gps": 1,
            "has:speech": 0,
        }.items():
            assert store.count(Filter(where=parse_conditions([condition]))) == expected, condition


def test_places_are_left_out_and_come_back(
    folder: Path, settings: Settings, call: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    index_files([folder], settings)
    no_encoding(monkeypatch)
    call("index", "--no-gps", "--data-dir", settings.data_dir, "--model", settings.model, folder)
    without = kept(settings)["beach.jpg"]
    assert without == Metadata("2023-07-14T15:30:05+01:00", camera="X100")
    flat = payload(settings, "beach.jpg").flat()
    assert (flat["latitude"], flat["longitude"]) == (None, None)
    assert not [word for word in flat["about"] if word.startswith(("place:", "has:gps"))]
    index_files([folder], settings)  # the choice holds
    assert kept(settings)["beach.jpg"] == without
    index_files([folder], settings.model_copy(update={"gps": True}))
    back = kept(settings)["beach.jpg"]
    assert back is not None
    assert back.latitude == pytest.approx(LISBON[0], abs=1e-4)


def test_status_counts_the_fields(folder: Path, settings: Settings) -> None:
    index_files([folder], settings)
    status = read_status(settings)
    assert status["metadata"] == dict.fromkeys(("time", "latitude", "longitude", "place", "camera"), 1)
    assert status["places"] == "kept"
    index_files([folder], settings.model_copy(update={"gps": False}))
    status = read_status(settings)
    assert (status["metadata"], status["places"]) == ({"time": 1, "camera": 1}, "left out")


def test_new_files_have_no_places_where_they_are_left_out(folder: Path, settings: Settings) -> None:
    index_files([folder], settings.model_copy(update={"gps": False}))
    assert kept(settings)["beach.jpg"] == Metadata("2023-07-14T15:30:05+01:00", camera="X100")
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        assert not keeps_gps(manifest)


def test_an_older_index_gets_its_metadata_without_encoding(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_files([folder], settings)
    expected = kept(settings)
    with closing(sqlite3.connect(settings.index_dir / MANIFEST_FILE)) as db:  # as the migration leaves it
        db.execute("UPDATE items SET metadata = NULL, told = ''")
        db.commit()
    (folder / "plain.png").unlink()
    (folder / "plain.png").mkdir()
    no_encoding(monkeypatch)
    index_files([folder / "beach.jpg"], settings)
    assert kept(settings) == {**expected, "plain.png": None}


def test_a_sidecar_is_read_with_its_file(folder: Path, settings: Settings) -> None:
    (folder / "plain.png.xmp").write_bytes(made.xmp("<dc:title>Plain</dc:title>"))
    index_files([folder / "plain.png"], settings)
    assert kept(settings) == {"plain.png": Metadata(title="Plain")}


@pytest.mark.slow
def test_names_of_places() -> None:
    points = [LISBON, (40.758, -73.9855), (0.0, 0.0), (64.13, -21.9), (-33.8568, 151.2153)]
    lisbon, times_square, sea, reykjavik, sydney = place_names(points)
    assert lisbon.endswith("Lisbon, Portugal")
    assert times_square.startswith("Times Square")
    assert times_square.endswith("New York, United States")
    assert sea == ""
    assert "Reykjavík" in reykjavik
    assert "Sydney" in sydney
