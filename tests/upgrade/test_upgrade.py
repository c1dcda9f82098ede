"""Indexes that earlier revisions made open without a further step, and give the answers that they gave then."""

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.config import load_settings
from omnisearch.types import Modality
from omnisearch_indexer import open_reading
from omnisearch_indexer.batch_encoder import BatchEncoder
from omnisearch_indexer.compact import compact_index
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.enrich import enrich_index
from omnisearch_indexer.export import export_points
from omnisearch_indexer.import_rows import import_points
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.repair import repair_index
from omnisearch_indexer.restore import restore_snapshot
from omnisearch_indexer.session import index_files
from omnisearch_indexer.snapshot import create_snapshot
from omnisearch_indexer.verify import verify_index
from tests.conftest import write_hashed_model
from tests.indexer.conftest import points_of, write_good, write_image
from tests.indexer.test_enrich import FakeReader
from tests.media import metadata_makers
from tests.upgrade.revision import ANSWERS, DATA, MODEL, QUERIES, answer, answers, archives, command

# Their decoding has changed since, so the next run reads these files again.
DECODED_AGAIN = {Modality.IMAGE, Modality.POINT_CLOUD}


@pytest.fixture(params=archives(), ids=lambda path: path.name.removesuffix(".tar.xz"))
def made_before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.mark.slow
def test_the_answers_are_those_of_the_revision_that_made_the_index(made_before: Path) -> None:
    then = json.loads((made_before / ANSWERS).read_text())
    assert then.keys() == QUERIES.keys()
    now = answers(made_before, "--no-words")  # the ranking by words may improve
    for name, hits in then.items():
        assert [(hit["id"], hit["path"]) for hit in now[name]] == [(hit["id"], hit["path"]) for hit in hits], name
        for figure in ("score", "relevance"):
            expected = pytest.approx([hit[figure] for hit in hits], abs=1e-6)
            assert [hit[figure] for hit in now[name]] == expected, name


@pytest.mark.slow
def test_files_are_added_to_an_index_of_an_earlier_revision(made_before: Path) -> None:
    index = ("--data-dir", made_before / DATA, "--model", made_before / MODEL)
    before = json.loads(command("status", "--format", "json", *index[:2]))["files"]
    added = write_image(made_before / "new" / "added.png", seed=5).parent
    command("index", added, *index)
    after = json.loads(command("status", "--format", "json", *index[:2]))["files"]
    assert after == {**before, "indexed": before["indexed"] + 1}


@pytest.mark.slow
def test_words_of_an_earlier_revision_are_found_and_have_stems_after_the_next_run(
    made_before: Path, request: pytest.FixtureRequest
) -> None:
    def raised(*words: str) -> set[str]:
        """The files that are more relevant with words than without."""
        asked = (*words, "--limit", "100", "--no-fold")
        plain = {hit["path"]: hit["relevance"] for hit in answer(made_before, *asked, "--no-words")}
        return {Path(hit["path"]).name for hit in answer(made_before, *asked) if hit["relevance"] > plain[hit["path"]]}

    noted = raised("note1")
    assert noted == {"note1.txt"}
    has_stems = "4db0117" in request.node.name
    assert raised("foxes") == (raised("fox") if has_stems else set())
    index = ("--data-dir", made_before / DATA, "--model", made_before / MODEL)
    command("index", write_image(made_before / "new" / "added.png", seed=5).parent, *index)
    assert raised("note1") == noted
    assert raised("foxes") == raised("fox") != set()


@pytest.mark.slow
def test_an_index_of_an_earlier_revision_is_filtered_by_metadata_after_its_next_run(made_before: Path) -> None:
    index = ("--data-dir", made_before / DATA, "--model", made_before / MODEL)
    asked = ("search", "a picture", "--where", "camera:x100", "--where", "taken:2023", "--format", "json", *index)
    assert json.loads(command(*asked)) == []
    (made_before / "new").mkdir()
    exif = metadata_makers.exif({0x0110: "X100", 0x0132: "2023:07:14 15:30:05"})
    (made_before / "new" / "added.jpg").write_bytes(metadata_makers.jpeg(exif))
    command("index", made_before / "new", *index)
    assert [Path(hit["path"]).name for hit in json.loads(command(*asked))] == ["added.jpg"]


@pytest.mark.slow
def test_an_index_of_an_earlier_revision_is_copied_brought_up_to_date_compacted_and_verified(
    made_before: Path, tmp_path: Path
) -> None:
    """A snapshot taken before its next run is restored as an index of that revision."""
    model = load_settings(model=str(made_before / MODEL)).model
    old, there = (load_settings(data_dir=place, model=model) for place in (made_before / DATA, tmp_path / "there"))
    restore_snapshot(create_snapshot(old, tmp_path / "taken")[0], there)
    added = write_image(made_before / "new" / "added.png", seed=5).parent
    for settings in (old, there):
        assert index_files([added], settings).indexed == 1
        compact_index(settings)
        report = verify_index(settings)
        assert not report.damaged, report.findings
        assert {one.check for one in report.findings} <= {"files"}  # they were deleted when the archive was made
    one, other = points_of(old), points_of(there)
    assert one.keys() == other.keys()
    assert all(np.allclose(one[key].vector, other[key].vector, atol=1e-6) for key in one)
    export_points(there, tmp_path / "rows", "jsonl", vectors=True)
    imported = there.model_copy(update={"data_dir": tmp_path / "imported"})
    assert import_points(tmp_path / "rows", imported)[1] == len(one)
    (there.data_dir / MANIFEST_FILE).unlink()
    assert repair_index(there).rebuilt_manifest
    assert points_of(there).keys() == one.keys()


def test_there_is_an_index_of_an_earlier_revision() -> None:
    assert list(archives())


def test_the_model_of_an_archive_is_that_of_the_tests(made_before: Path) -> None:
    """Or the answers would change with the model, and tell nothing of the code."""
    fresh = write_hashed_model(made_before / "fresh")
    for name in ("model.json", "model.safetensors"):
        assert (made_before / MODEL / name).read_bytes() == (fresh / name).read_bytes()


@pytest.mark.slow
def test_an_index_of_an_earlier_revision_is_enriched_without_encoding(
    made_before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(data_dir=made_before / DATA, model=str(made_before / MODEL))
    before = points_of(settings)
    write_good(made_before / "files")
    write_image(made_before / "files" / "pictures" / "copy of p0.png", seed=0)
    encoded: list[Modality] = []
    _note(encoded, BatchEncoder, monkeypatch)
    report = index_files([made_before / "files"], settings, prune=True)
    assert report.unread == 4
    assert set(encoded) <= DECODED_AGAIN  # neither the same files in another place nor their facts need it
    monkeypatch.undo()
    monkeypatch.setattr(open_reading, "ReadingProcess", FakeReader)
    monkeypatch.setattr(open_reading, "speech_folder", lambda _: None)
    monkeypatch.setattr(open_reading, "installed_ocr_models", lambda _: {})
    encoded.clear()
    _note(encoded, Encoder, monkeypatch)
    assert enrich_index(settings.model_copy(update={"read": "fast"})).with_text == 4
    assert set(encoded) == {Modality.TEXT}
    after = points_of(settings)
    assert after.keys() == before.keys()
    for id_, point in after.items():
        if point.payload.modality not in DECODED_AGAIN:
            np.testing.assert_allclose(point.vector, before[id_].vector, atol=1e-6)
        assert (point.text_vector is None) == (not point.payload.readings)
    assert sum(bool(point.payload.readings) for point in after.values()) >= 4


def _note(encoded: list[Modality], encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Note the modality of each batch that an encoder receives."""
    encode = encoder.encode

    def noted(self: object, modality: Modality, *rest: object) -> object:
        encoded.append(modality)
        return encode(self, modality, *rest)

    monkeypatch.setattr(encoder, "encode", noted)
