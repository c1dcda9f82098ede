"""Text and speech of an index: read with the files or afterwards, in one run or in several, with the same points."""

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omnisearch.config import Settings
from omnisearch.errors import MediaError, NoIndexError, NotReadyError, Reason, StoppedError, UsageError
from omnisearch.jobs.store import JobStore
from omnisearch.jobs.worker import LastReport
from omnisearch.notes import PARTLY_READ
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.reading import installed
from omnisearch.reading.item import read_item
from omnisearch.spaces.weights.ocr_models import OCR_MODELS
from omnisearch.stores.base import Filter, Lookup, Payload, Point
from omnisearch.stores.catalog import open_current
from omnisearch.types import Modality, Reading, Region, Role, Segment
from omnisearch_indexer import enricher, open_reading
from omnisearch_indexer.enrich import enrich_index
from omnisearch_indexer.jobs import run_enrich
from omnisearch_indexer.labels import parse_labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.path_labels import facts_json
from omnisearch_indexer.reading_notes import with_reading_notes
from omnisearch_indexer.reading_version import ReadingModels, is_enough, reading_version
from omnisearch_indexer.rebind import rebind_index
from omnisearch_indexer.repair import repair_index
from omnisearch_indexer.segment_readings import before_end, by_segment
from omnisearch_indexer.session import index_files
from omnisearch_indexer.text_vectors import segment_text
from tests.indexer.conftest import SharedPools, points_of, write_image, write_sound
from tests.indexer.damage import wait_for_worker
from tests.indexer.test_rebind import write_model

LINE = Region(0.0, 0.25, 0.5, 0.125, relative=True)


class FakeReader:
    """Reads a picture as its width, and every block of a sound as the count of its samples."""

    def __init__(self, *_: object) -> None:
        self.read = 0
        self.failing = False

    def __enter__(self) -> "FakeReader":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_image(self, pixels: Any, level: str, notes: list[str], stopped: Callable[[], bool]) -> list[Reading]:
        self.read += 1
        if self.failing:
            raise MediaError(Reason.TIMEOUT, "it took too long")
        return [Reading("ocr", f"a picture of width {pixels.shape[1]}, {level}", box=LINE, confidence=0.5)]

    def transcribe(
        self, blocks: Iterable[Any], level: str, notes: list[str], stopped: Callable[[], bool]
    ) -> Iterator[Reading]:
        at = 0.0
        for block in blocks:
            end = at + len(block) / 16_000
            yield Reading("speech", f"block of {len(block)}, {level}", at, end, language="en")
            at = end

    def close(self) -> None:
        pass


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch, shared_pools: SharedPools) -> FakeReader:
    one = FakeReader()
    monkeypatch.setattr(open_reading, "ReadingProcess", lambda *_: one)
    monkeypatch.setattr(open_reading, "speech_folder", lambda _: None)
    monkeypatch.setattr(open_reading, "installed_ocr_models", lambda _: {})
    monkeypatch.setattr(open_reading, "DecoderPool", shared_pools.open)
    return one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    for n in range(3):
        write_image(files / f"p{n}.png", seed=n, side=40 + n)
    write_sound(files / "long.wav", 25, seed=1)
    (files / "note.txt").write_text("a note")
    return files


def at_level(settings: Settings, level: str, data: str = "data") -> Settings:
    return settings.model_copy(update={"read": level, "data_dir": settings.data_dir.parent / data})


def assert_same(one: dict[str, Point], other: dict[str, Point]) -> None:
    assert one.keys() == other.keys()
    for id_, point in one.items():
        assert point.payload == other[id_].payload
        np.testing.assert_allclose(point.vector, other[id_].vector, atol=1e-6)
        assert (point.text_vector is None) == (other[id_].text_vector is None)
        if point.text_vector is not None:
            np.testing.assert_allclose(point.text_vector, other[id_].text_vector, atol=1e-3)


def readings_of(settings: Settings) -> dict[str, list[tuple[Reading, ...]]]:
    found: dict[str, list[tuple[Reading, ...]]] = {}
    for point in sorted(points_of(settings).values(), key=lambda point: point.payload.segment.index):
        found.setdefault(Path(point.payload.path).name, []).append(point.payload.readings)
    return found


def test_an_index_that_is_enriched_equals_one_that_was_read_at_once(
    folder: Path, settings: Settings, reader: FakeReader
) -> None:
    at_once, later = at_level(settings, "fast"), at_level(settings, "none", "later")
    report = index_files([folder], at_once)
    assert report.enriched is not None
    assert (report.enriched.read, report.enriched.with_text, report.unread) == (4, 4, 0)
    assert index_files([folder], later).unread == 4
    assert not any(any(each) for each in readings_of(later).values())
    assert enrich_index(at_level(settings, "fast", "later")).read == 4
    assert_same(points_of(at_once), points_of(later))
    read = readings_of(later)
    assert read["p1.png"] == [(Reading("ocr", "a picture of width 41, fast", box=LINE, confidence=0.5),)]
    assert [len(each) for each in read["long.wav"]] == [0, 1, 0]  # one block, around the middle
    assert read["note.txt"] == [()]


def test_items_are_filtered_by_what_was_read(folder: Path, settings: Settings, reader: FakeReader) -> None:
    fast = at_level(settings, "fast")
    index_files([folder], fast)

    def found(condition: str) -> set[str]:
        with closing(open_current(fast)) as store:
            chosen = Filter(where=parse_conditions([condition]))
            return {Path(point.payload.path).name for point in store.scroll(chosen)}

    assert found("has:text") == {"p0.png", "p1.png", "p2.png"}
    assert found("has:speech") == found("language:en") == {"long.wav"}
    assert found("language:de") == set()
    with closing(Manifest(fast.index_dir / MANIFEST_FILE)) as manifest:
        engine = {point.payload.item_id: point.payload.facts for point in points_of(fast).values()}
        assert all(item.facts_json == facts_json(engine[item.id]) for item in manifest.items())
    labels = parse_labels(["holiday"], [])
    index_files([folder], fast, labels=labels)  # describes every item anew
    assert found("has:speech") == {"long.wav"}


def test_texts_are_found_by_their_meaning(folder: Path, settings: Settings, reader: FakeReader) -> None:
    from omnisearch.binding.model import OmniBind

    fast = at_level(settings, "fast")
    index_files([folder], fast)
    model = OmniBind.load(fast.model, fast)
    [vector] = model.encode(Modality.TEXT, ["a picture of width 42, fast"], Role.DOCUMENT)
    with closing(open_current(fast)) as store:
        [[best, *_]] = store.search([Lookup(vector, 9, using="text")])
        path = store.payloads([best.id])[best.id].path
    assert (Path(path).name, round(best.score, 2)) == ("p2.png", 1.0)


def test_only_what_lacks_is_read_and_more_effort_reads_again(
    folder: Path, settings: Settings, reader: FakeReader
) -> None:
    index_files([folder], at_level(settings, "none"))
    for level, read in (("fast", 3), ("fast", 0), ("full", 3), ("fast", 0)):
        reader.read = 0
        enrich_index(at_level(settings, level))
        assert reader.read == read
    assert readings_of(settings)["p0.png"][0][0].text.endswith("full")
    write_image(folder / "p9.png", seed=9)
    reader.read = 0
    index_files([folder], at_level(settings, "fast"))
    assert reader.read == 1


def test_a_run_that_is_stopped_is_continued(
    folder: Path, settings: Settings, reader: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_files([folder], at_level(settings, "fast", "whole"))
    monkeypatch.setattr(enricher, "BATCH_ITEMS", 1)
    index_files([folder], at_level(settings, "none"))
    stop = threading.Event()

    class StopAfterOne:
        def start(self, total: int, files: int = 0) -> None: ...
        def advance(self, count: int, files: int = 0) -> None:
            stop.set()

    fast = at_level(settings, "fast")
    report = enrich_index(fast, stop, StopAfterOne())
    assert report.interrupted
    assert report.left > 0
    assert sum(any(each) for each in readings_of(fast).values()) == report.with_text
    assert enrich_index(fast).read == 4 - report.read
    assert_same(points_of(fast), points_of(at_level(settings, "fast", "whole")))


@pytest.mark.parametrize("owner", ["upsert", "put_items"])
def test_a_run_that_dies_between_points_and_manifest_is_repeated(
    folder: Path, settings: Settings, reader: FakeReader, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    from omnisearch.stores.edge import EdgeStore

    index_files([folder], at_level(settings, "fast", "whole"))
    index_files([folder], at_level(settings, "none"))
    fast = at_level(settings, "fast")
    with monkeypatch.context() as dying:
        kind: Any = EdgeStore if owner == "upsert" else Manifest
        dying.setattr(kind, owner, _die)
        with pytest.raises(KeyboardInterrupt):
            enrich_index(fast)
    enrich_index(fast)
    assert_same(points_of(fast), points_of(at_level(settings, "fast", "whole")))


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_picture_that_cannot_be_read_keeps_its_place_and_has_a_note(
    folder: Path, settings: Settings, reader: FakeReader, call: Callable[..., tuple[int, str]]
) -> None:
    index_files([folder], at_level(settings, "none"))
    before = points_of(settings)
    (folder / "p2.png").unlink()
    reader.failing = True
    report = enrich_index(at_level(settings, "fast"))
    assert (report.read, report.failed, report.skipped) == (3, 2, 1)
    after = points_of(settings)
    assert after.keys() == before.keys()
    _, told = call("errors", "--all", "--data-dir", settings.data_dir, "--format", "jsonl")
    assert sum("partly read, text or speech: " in line for line in told.splitlines()) == 2
    assert "p0.png" in told
    assert enrich_index(at_level(settings, "fast")).read == 0  # not for ever again


def test_the_notes_of_a_reading_are_those_of_the_last() -> None:
    fast = with_reading_notes(["damaged"], ["partly read: 60 of 90 places", "the subtitles a.srt cannot be read"])
    assert [note.startswith(PARTLY_READ) for note in fast] == [False, True, True]
    assert with_reading_notes(fast, []) == ("damaged",)


def test_a_thorough_reading_replaces_the_notes_of_a_fast_one(
    folder: Path, settings: Settings, reader: FakeReader
) -> None:
    reader.failing = True
    index_files([folder], at_level(settings, "fast"))
    assert any("text or speech" in note for point in points_of(settings).values() for note in point.payload.notes)
    reader.failing = False
    enrich_index(at_level(settings, "full"))
    assert not any(point.payload.notes for point in points_of(settings).values())


def test_a_picture_whose_reader_died_is_read_once_more(
    folder: Path, settings: Settings, reader: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_files([folder], at_level(settings, "none"))
    whole, deaths = reader.read_image, [1]

    def dying(*given: Any) -> list[Reading]:
        deaths[0] -= 1
        if deaths[0] >= 0:
            raise MediaError(Reason.DECODER_CRASHED, "the reading process: SIGKILL")
        return whole(*given)

    monkeypatch.setattr(reader, "read_image", dying)
    assert enrich_index(at_level(settings, "fast")).failed == 0
    assert reader.read == 3


@pytest.mark.parametrize("by_link", [False, True])
def test_a_picture_that_changes_while_it_is_read_is_skipped(
    folder: Path, settings: Settings, reader: FakeReader, tmp_path: Path, by_link: bool
) -> None:
    (folder / "long.wav").unlink()
    index_files([folder], at_level(settings, "none"))
    write_image(tmp_path / "other.png", seed=9, side=99)

    def replaced(pool: Any, one: Any, path: Path, *given: Any) -> Any:
        path.unlink()
        if by_link:
            path.symlink_to(tmp_path / "other.png")
        else:
            path.write_bytes((tmp_path / "other.png").read_bytes())
        return read_item(pool, one, path, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enricher, "read_item", replaced)
        report = enrich_index(at_level(settings, "fast"))
    assert (report.read, report.skipped) == (0, 3)
    assert reader.read == (0 if by_link else 3)
    assert not any(any(each) for each in readings_of(settings).values())


def test_a_scanned_document_is_found_by_its_page(folder: Path, settings: Settings, reader: FakeReader) -> None:
    pages = [Image.new("RGB", (300, 400 + n), "white") for n in range(2)]
    pages[0].save(folder / "scan.pdf", save_all=True, append_images=pages[1:])
    assert index_files([folder], at_level(settings, "none")).reasons == {Reason.EMPTY_TEXT: 1}
    enrich_index(at_level(settings, "fast"))
    [point] = [point for point in points_of(settings).values() if point.payload.path.endswith("scan.pdf")]
    assert point.payload.segment.part == "page 1"
    assert point.payload.passage.count("a picture of width") == 2
    with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
        assert not list(manifest.failures())
    reader.read = 0
    enrich_index(at_level(settings, "fast"))
    assert reader.read == 0


def test_pages_that_another_model_may_read_say_so_and_are_read_when_it_is_there(
    folder: Path, settings: Settings, reader: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(pixels: Any, level: str, notes: list[str], stopped: Callable[[], bool]) -> list[Reading]:
        reader.read += 1
        notes.append("partly read: pull ocr-greek")
        return []

    page = Image.new("RGB", (300, 400), "white")
    page.save(folder / "scan.pdf", save_all=True, append_images=[page.rotate(180)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_image", unread)
        index_files([folder], at_level(settings, "fast"))
        with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
            [failed] = manifest.failures()
        assert failed.detail.endswith("(fast.1); partly read: pull ocr-greek")
        reader.read = 0
        enrich_index(at_level(settings, "fast"))
        assert reader.read == 0
    monkeypatch.setattr(open_reading, "installed_ocr_models", lambda _: {"ocr-greek": Path("/greek")})
    enrich_index(at_level(settings, "fast"))
    assert any(point.payload.path.endswith("scan.pdf") for point in points_of(settings).values())


@pytest.mark.slow
def test_another_model_keeps_the_texts(
    folder: Path, settings: Settings, reader: FakeReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = write_model(tmp_path / "one", 1), write_model(tmp_path / "other", 2)
    index_files([folder], at_level(settings.model_copy(update={"model": str(one)}), "fast"))
    fresh = at_level(settings.model_copy(update={"model": str(other)}), "fast", "fresh")
    index_files([folder], fresh)
    bound = settings.model_copy(update={"model": str(other)})
    rebind_index(bound)
    assert_same(points_of(bound), points_of(fresh))


def test_what_cannot_be_enriched_says_why(settings: Settings, reader: FakeReader) -> None:
    with pytest.raises(NoIndexError):
        enrich_index(at_level(settings, "fast"))
    with pytest.raises(UsageError, match="--read fast"):
        enrich_index(at_level(settings, "none"))


def test_without_its_packages_the_extra_is_named_before_anything_is_read(
    folder: Path, settings: Settings, reader: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "PACKAGES", ("omnisearch", "no_such_reader"))
    with pytest.raises(NotReadyError, match=r"no_such_reader is not installed.*omnisearch\[read\]"):
        index_files([folder], at_level(settings, "fast"))
    assert not (settings.data_dir / MANIFEST_FILE).exists()


def segments(*bounds: tuple[float, float]) -> list[Point]:
    def payload(n: int, start: float, end: float) -> Payload:
        return Payload(path="/a", item_id="i", modality=Modality.AUDIO, segment=Segment(n, start, end, "seconds"))

    return [Point(str(n), np.ones(2, np.float32), payload(n, *each)) for n, each in enumerate(bounds)]


def test_an_installed_model_of_a_script_needs_its_package_and_is_part_of_the_version(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec,) = OCR_MODELS["ocr-greek"]
    path = tmp_path / "weights" / spec.name
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(spec.size)
    there = settings.model_copy(update={"weights_dir": tmp_path / "weights", "read": "fast", "speech_model": "none"})
    with open_reading.open_reading(there) as reading:
        assert reading is not None
        assert reading.version == "fast.1+ocr-greek"
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name == "tesserocr" else name)
    with pytest.raises(NotReadyError, match=r"tesserocr is not installed"), open_reading.open_reading(there):
        pass


def test_a_reading_belongs_to_the_segment_that_has_most_of_it() -> None:
    points = segments((0, 10), (8, 18), (16, 26))
    spoken = {
        "0": Reading("speech", "a", 1, 3),
        "1": Reading("speech", "b", 9, 12),  # begins in the first
        "2": Reading("speech", "c", 17.5, 25),
    }
    both = Reading("speech", "in two", 8.2, 9.8)  # nearer to the middle of neither: the first
    found = by_segment([*spoken.values(), both], points, [])
    assert found == {"0": (spoken["0"], both), "1": (spoken["1"],), "2": (spoken["2"],)}


def test_readings_end_with_their_item() -> None:
    notes: list[str] = []
    late, across = Reading("speech", "late", 10, 12), Reading("speech", "across", 9, 12)
    assert before_end([late, across], 10.0, notes) == [replace(across, end=10.0)]
    assert notes == ["partly read: 1 of 2 lines of its text begin after its end"]
    assert before_end([late, across], None, notes) == [late, across]


def test_a_segment_keeps_as_much_text_as_a_store_can_hold() -> None:
    [point] = segments((0, 10))
    notes: list[str] = []
    many = [Reading("ocr", f"word {n}") for n in range(600)]
    assert len(by_segment(many, [point], notes)["0"]) == 512
    long = [Reading("ocr", "x" * 5000)] * 4
    assert len(by_segment(long, [point], notes)["0"]) == 3
    assert notes == ["partly read: 88 of 600 lines of its text were left out", *_left(1, 4)]


def _left(n: int, of: int) -> list[str]:
    return [f"partly read: {n} of {of} lines of its text were left out"]


def test_the_text_of_a_segment_is_that_of_media_with_letters() -> None:
    [point] = segments((0, 10))
    say = [
        replace(point.payload, readings=(Reading("ocr", text),)) for text in ("42", "no 4", "\u72d7\u5728\u8fd9\u91cc")
    ]
    assert [segment_text(each) for each in say] == ["", "", "\u72d7\u5728\u8fd9\u91cc"]
    assert segment_text(replace(say[2], modality=Modality.TEXT)) == ""


def test_versions_of_readings() -> None:
    english, other = ReadingModels("speech-en"), ReadingModels("speech-base")
    fast, full = (reading_version(level, Modality.AUDIO, english) for level in ("fast", "full"))
    assert is_enough(fast, fast)
    assert is_enough(full, fast)
    assert not is_enough(fast, full)
    assert not is_enough("", fast)
    assert not is_enough(full, reading_version("fast", Modality.AUDIO, other))
    assert is_enough(reading_version("full", Modality.IMAGE, english), reading_version("fast", Modality.IMAGE, other))


def test_pictures_are_read_again_with_a_model_of_another_script() -> None:
    none, greek, both = (ReadingModels("a", scripts) for scripts in ((), ("ocr-greek",), ("ocr-greek", "ocr-arabic")))
    for modality in (Modality.IMAGE, Modality.VIDEO, Modality.TEXT):
        versions = [reading_version("fast", modality, models) for models in (none, greek, both)]
        assert [is_enough(versions[1], version) for version in versions] == [True, True, False]
    assert reading_version("fast", Modality.AUDIO, both) == reading_version("fast", Modality.AUDIO, none)


def test_a_job_reads_and_reports_its_items(folder: Path, settings: Settings, reader: FakeReader) -> None:
    index_files([folder], settings)
    store = JobStore.open(settings)
    with closing(store):
        job = store.add("enrich", {"read": "full"}, settings.collection)
    reporter, stop = LastReport(), threading.Event()
    assert run_enrich(job, settings, reporter, stop)["read"] == 4
    progress = reporter.progress
    assert (progress.done, progress.total, progress.unit, progress.message) == (4, 4, "items", "")
    assert readings_of(settings)["p0.png"][0][0].text.endswith("full")
    stop.set()
    write_image(folder / "p9.png", seed=9)
    index_files([folder], settings)
    with pytest.raises(StoppedError, match="1 left"):
        run_enrich(job, settings, reporter, stop)


@pytest.mark.slow
def test_a_repair_says_which_items_lost_their_readings(folder: Path, settings: Settings, reader: FakeReader) -> None:
    fast = at_level(settings, "fast")
    index_files([folder], fast)
    wait_for_worker(fast)
    shutil.rmtree(fast.data_dir / "vectors")
    report = repair_index(fast.model_copy(update={"read": "none"}))
    assert (report.unread, report.read_again) == (4, 5)
    assert "4 of them lost their text and speech: `omnisearch enrich`" in str(report)
    assert enrich_index(fast).read == 4
    assert repair_index(fast).unread == 0


@pytest.mark.slow
def test_a_scanned_document_outside_the_run_stays_in_the_report(
    folder: Path, settings: Settings, reader: FakeReader
) -> None:
    Image.new("RGB", (300, 400), "white").save(folder / "scan.pdf")
    index_files([folder], at_level(settings, "none"))
    note = folder.parent / "elsewhere.txt"
    note.write_text("another root")
    index_files([note], at_level(settings, "fast"))
    with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
        assert [Path(row.path).name for row in manifest.failures()] == ["scan.pdf"]
    assert index_files([folder], at_level(settings, "fast")).failed == 0
