"""An index of another width names the way out. A smaller width needs no files, and keeps fewer numbers of new ones."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.errors import FingerprintError
from omnisearch.search.space_embeddings import stored_width
from omnisearch.spaces.towers import unit
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.types import Floats, Modality
from omnisearch_indexer.rebind import rebind_index
from omnisearch_indexer.repair import repair_index
from omnisearch_indexer.session import index_files
from tests.conftest import write_hashed_model
from tests.indexer.conftest import points_of


@pytest.fixture
def whole(tmp_path: Path) -> Settings:
    """A model of 256 dimensions that may be cut to 64, and one text."""
    model = write_hashed_model(tmp_path / "model") / "model.json"
    model.write_text(json.dumps(json.loads(model.read_text()) | {"widths": [64]}))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "red.txt").write_text("red dog")
    return load_settings(model=str(tmp_path / "model"), data_dir=tmp_path / "data", workers=1)


@pytest.fixture
def cut(whole: Settings) -> Settings:
    return whole.model_copy(update={"dim": 64})


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [tmp_path / "files"]


def vector(settings: Settings) -> Floats:
    (point,) = points_of(settings).values()
    return point.vector


def width(settings: Settings) -> int | None:
    """The width of what is stored of the text."""
    (key,) = points_of(settings)
    with closing(SpaceEmbeddingStore(settings.data_dir / EMBEDDINGS_DIRECTORY)) as raw:
        return stored_width(raw, OmniBind.load(settings.model, settings), "hashed", Modality.TEXT, key)


def test_an_index_of_another_width_refuses_until_it_is_rebound(
    whole: Settings, cut: Settings, files: list[Path]
) -> None:
    index_files(files, whole)
    before = vector(whole)
    said = "with dim 256, not 64: .* `omnisearch rebind`"

    def open_cut() -> None:
        open_store(cut, model="toy", dim=64, fingerprint="another", create=False)

    for refused in (lambda: index_files(files, cut), open_cut):
        with pytest.raises(FingerprintError, match=said):
            refused()
    (files[0] / "red.txt").unlink()
    assert rebind_index(cut).points == 1
    np.testing.assert_allclose(vector(cut), unit(before[None, :64])[0], atol=1e-6)
    assert rebind_index(whole).points == 1  # what was stored is still whole
    np.testing.assert_array_equal(vector(whole), before)


def test_a_cut_index_keeps_cut_embeddings_and_must_read_files_again_for_more(
    whole: Settings, cut: Settings, files: list[Path]
) -> None:
    index_files(files, cut)
    assert width(cut) == 64
    assert not repair_index(cut).found_damage
    assert rebind_index(cut).points == 1
    with pytest.raises(FingerprintError) as refused:
        rebind_index(whole)
    assert str(refused.value) == (
        f"the text embedding of {files[0]}/red.txt was stored with dim 64, and dim 256 needs more of its numbers: "
        "run `omnisearch rebind --read`, which reads such files again"
    )
    small = vector(cut)
    assert rebind_index(whole, then_read=True).lost
    assert repair_index(whole, marked_only=True).read_again == 1
    assert width(whole) == 256
    np.testing.assert_allclose(unit(vector(whole)[None, :64])[0], small, atol=1e-6)
