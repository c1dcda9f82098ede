"""An index of another width names the way out, and `rebind` changes the width without reading files."""

import json
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import load_settings
from omnisearch.errors import FingerprintError
from omnisearch.spaces.towers import unit
from omnisearch.stores.catalog import open_store
from omnisearch_indexer.rebind import rebind_index
from omnisearch_indexer.session import index_files
from tests.conftest import write_hashed_model
from tests.indexer.conftest import points_of


def test_an_index_of_another_width_refuses_until_it_is_rebound(tmp_path: Path) -> None:
    model = write_hashed_model(tmp_path / "model") / "model.json"
    model.write_text(json.dumps(json.loads(model.read_text()) | {"widths": [64]}))
    file = tmp_path / "files" / "red.txt"
    file.parent.mkdir()
    file.write_text("red dog")
    whole = load_settings(model=str(tmp_path / "model"), data_dir=tmp_path / "data", workers=1)
    cut = whole.model_copy(update={"dim": 64})
    index_files([file.parent], whole)
    (before,) = points_of(whole).values()
    said = "with dim 256, not 64: .* `omnisearch rebind`"

    def open_cut() -> None:
        open_store(cut, model="toy", dim=64, fingerprint="another", create=False)

    for refused in (lambda: index_files([file.parent], cut), open_cut):
        with pytest.raises(FingerprintError, match=said):
            refused()
    file.unlink()
    assert rebind_index(cut).points == 1
    (after,) = points_of(cut).values()
    np.testing.assert_allclose(after.vector, unit(before.vector[None, :64])[0], atol=1e-6)
