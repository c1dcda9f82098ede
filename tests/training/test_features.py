"""The feature cache: a file is decoded once for all towers that read it, and never again."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Decoded, Modality
from omnisearch_training.datasets import Record, Split
from omnisearch_training.stages.features import Features

CLOUD = Modality.POINT_CLOUD


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counts: Counter[str] = Counter()
    plain = DecoderPool.decode

    def counting(pool: DecoderPool, path: Path) -> Decoded:
        counts[path.name] += 1
        return plain(pool, path)

    monkeypatch.setattr(DecoderPool, "decode", counting)
    return counts


def record(folder: Path, number: int) -> Record:
    path = folder / f"{number}.npy"
    np.save(path, np.random.default_rng(number).random((40, 3)).astype(np.float32))
    return Record(str(number), str(number), Split.TRAIN, (str(number),), {CLOUD: path}, "CC0-1.0")


@pytest.mark.slow
def test_towers_of_one_modality_share_the_decoding(tmp_path: Path, decoded: Counter[str]) -> None:
    records = [record(tmp_path, number) for number in range(3)]
    features = Features(tmp_path / "features", load_settings(workers=1))
    features.table(records[:1], CLOUD, "points")
    features.fill(records, CLOUD, ("points", "hashed_point_cloud"))
    assert decoded == {"0.npy": 2, "1.npy": 1, "2.npy": 1}
    tables = {tower: features.table(records, CLOUD, tower) for tower in ("points", "hashed_point_cloud")}
    assert decoded.total() == 4, "both towers know every file"
    assert {tower: table.features.shape for tower, table in tables.items()} == {
        "points": (3, 6144),
        "hashed_point_cloud": (3, 256),
    }
    alone = Features(tmp_path / "alone", load_settings(workers=1))
    for tower, table in tables.items():
        np.testing.assert_array_equal(alone.table(records, CLOUD, tower).features, table.features)
