"""Indexes that earlier revisions made open without a further step, and give the answers that they gave then."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.conftest import write_hashed_model
from tests.indexer.conftest import write_image
from tests.upgrade.revision import ANSWERS, DATA, MODEL, QUERIES, answers, archives, command


@pytest.fixture(params=archives(), ids=lambda path: path.name.removesuffix(".tar.xz"))
def made_before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.mark.slow
def test_the_answers_are_those_of_the_revision_that_made_the_index(made_before: Path) -> None:
    then = json.loads((made_before / ANSWERS).read_text())
    assert then.keys() == QUERIES.keys()
    now = answers(made_before)
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


def test_there_is_an_index_of_an_earlier_revision() -> None:
    assert list(archives())


def test_the_model_of_an_archive_is_that_of_the_tests(made_before: Path) -> None:
    """Or the answers would change with the model, and tell nothing of the code."""
    fresh = write_hashed_model(made_before / "fresh")
    for name in ("model.json", "model.safetensors"):
        assert (made_before / MODEL / name).read_bytes() == (fresh / name).read_bytes()
