"""Pseudo item pairs against brute force, and the table that keeps them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from omnisearch.errors import CheckpointError, UsageError
from omnisearch.types import Modality
from omnisearch_training.stages import pseudo_pairs as module
from omnisearch_training.stages.pools import UNKNOWN, Pools
from omnisearch_training.stages.pseudo_pairs import PairConfig, RetrieverConfig, read_pairs, retrieve, write_pairs

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
RETRIEVERS = (
    RetrieverConfig(path=(AUDIO, TEXT), spaces=("sound",)),
    RetrieverConfig(path=(IMAGE, TEXT), spaces=("photo",)),
    RetrieverConfig(path=(AUDIO, TEXT, IMAGE), spaces=("sound", "photo")),
)
CONFIG = PairConfig(retrievers=RETRIEVERS, k=4)
COUNTS = {TEXT: 23, IMAGE: 17, AUDIO: 11}


@pytest.fixture
def pools() -> Pools:
    draw = np.random.default_rng(0)
    keys = [("sound", AUDIO), ("sound", TEXT), ("photo", IMAGE), ("photo", TEXT)]
    rows = {key: draw.standard_normal((COUNTS[key[1]], 8)).astype(np.float32) for key in keys}
    unit = {key: value / np.linalg.norm(value, axis=1, keepdims=True) for key, value in rows.items()}
    return Pools(unit, [("audio", "vision")[i % 2] for i in range(COUNTS[TEXT])])


def scores(pools: Pools, space: str, start: Modality, goal: Modality) -> np.ndarray:
    return pools.rows(space, start) @ pools.rows(space, goal).T


@pytest.mark.parametrize("method", ["faiss", "int8"])
def test_each_pair_is_its_space_s_ranking(pools: Pools, method: str) -> None:
    config = PairConfig(retrievers=RETRIEVERS, k=4, method=method)
    for space, start, goal in (("sound", AUDIO, TEXT), ("sound", TEXT, AUDIO), ("photo", IMAGE, TEXT)):
        found, score = retrieve(pools, config, start, goal, np.arange(COUNTS[start]))
        every = scores(pools, space, start, goal)
        np.testing.assert_array_equal(found, np.argsort(-every, axis=1)[:, :4])
        np.testing.assert_allclose(score, -np.sort(-every, axis=1)[:, :4], atol=1e-6)


def test_a_chain_is_its_hops_one_by_one(pools: Pools) -> None:
    for spaces, path in ((("sound", "photo"), (AUDIO, TEXT, IMAGE)), (("photo", "sound"), (IMAGE, TEXT, AUDIO))):
        found, score = retrieve(pools, CONFIG, path[0], path[2], np.arange(COUNTS[path[0]]))
        first, second = scores(pools, spaces[0], *path[:2]), scores(pools, spaces[1], *path[1:])
        for item in range(COUNTS[path[0]]):
            text = int(first[item].argmax())
            order = np.argsort(-second[text])[:4]
            np.testing.assert_array_equal(found[item], order)
            np.testing.assert_allclose(score[item], np.minimum(second[text][order], first[item, text]), atol=1e-6)


@pytest.mark.parametrize("group", [5, 65536])
def test_the_table_comes_back(pools: Pools, tmp_path: Path, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", group)
    write_pairs(tmp_path / "pairs.parquet", pools, CONFIG, {"seed": 7, "spaces": {"sound": "abc"}})
    read = read_pairs(tmp_path / "pairs.parquet", 4)
    assert read.modalities == (TEXT, IMAGE, AUDIO)
    assert read.provenance["provenance"] == {"seed": 7, "spaces": {"sound": "abc"}}
    assert read.provenance["counts"] == {str(m): n for m, n in COUNTS.items()}
    assert PairConfig.model_validate({name: read.provenance[name] for name in PairConfig.model_fields}) == CONFIG
    for start in read.modalities:
        rows, items = read.started(start), np.arange(COUNTS[start])
        assert len(rows) == len(items)
        for goal in read.modalities:
            own = goal is start
            wanted = (items[:, None].repeat(4, 1), 1) if own else retrieve(pools, CONFIG, start, goal, items)
            np.testing.assert_array_equal(read.ids[goal][rows], wanted[0])
            np.testing.assert_array_equal(read.scores[goal][rows], wanted[1])
    assert read.text_source is not None
    named = np.array(read.sources)[read.text_source]
    np.testing.assert_array_equal(named, np.array(pools.text_sources)[read.ids[TEXT]])


def test_columns_are_32_bits_wide_and_the_first_k_are_read(pools: Pools, tmp_path: Path) -> None:
    write_pairs(tmp_path / "p", pools, CONFIG, {})
    schema = pq.read_schema(tmp_path / "p")
    assert schema.field("start_modality").type == schema.field("start_id").type == pa.int32()
    assert schema.field("image_id").type == schema.field("text_source").type == pa.list_(pa.int32(), 4)
    assert schema.field("audio_score").type == pa.list_(pa.float32(), 4)
    one, four = read_pairs(tmp_path / "p"), read_pairs(tmp_path / "p", 4)
    np.testing.assert_array_equal(one.ids[IMAGE], four.ids[IMAGE][:, :1])
    tuples = four.tuples(np.array([3, 50]), np.array([2, 0]))
    assert [tuples.ids[m].tolist() for m in (TEXT, AUDIO)] == [
        [four.ids[m][3, 2], four.ids[m][50, 0]] for m in (TEXT, AUDIO)
    ]
    with pytest.raises(CheckpointError, match="stores 4"):
        read_pairs(tmp_path / "p", 5)


def test_what_cannot_be_paired(pools: Pools, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="needs one retriever"):
        PairConfig(retrievers=RETRIEVERS[:2])
    with pytest.raises(ValidationError, match="needs one retriever"):
        PairConfig(retrievers=(*RETRIEVERS, RETRIEVERS[0]))
    with pytest.raises(ValidationError, match="n - 1 spaces"):
        RetrieverConfig(path=(AUDIO, TEXT), spaces=("sound", "photo"))
    with pytest.raises(UsageError, match=r"k = 12 .*audio"):
        write_pairs(tmp_path / "p", pools, PairConfig(retrievers=RETRIEVERS, k=12), {})
    with pytest.raises(UsageError, match="photo has no embeddings of audio"):
        retrieve(
            pools, PairConfig(retrievers=(RetrieverConfig(path=(AUDIO, TEXT), spaces=("photo",)),)), AUDIO, TEXT,
            np.arange(2),
        )  # fmt: skip
    with pytest.raises(UsageError, match="pool of point_cloud"):
        pools.count(Modality.POINT_CLOUD)
    (tmp_path / "no").write_text("no")
    with pytest.raises(CheckpointError, match="not a table"):
        read_pairs(tmp_path / "no")


class KilledError(Exception):
    pass


@pytest.mark.parametrize("killed_at", [1, 4, 10, 15])
def test_killed_mining_goes_on_and_ends_as_undisturbed(
    pools: Pools, tmp_path: Path, killed_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", 5)  # 5 + 4 + 3 row groups of 23 texts, 17 images and 11 sounds
    write_pairs(tmp_path / "whole", pools, CONFIG, {"seed": 7})
    mine, seen = module.retrieve, []

    def killed(*arguments: object) -> object:
        seen.append(arguments[2:])
        if len(seen) == killed_at:
            raise KilledError
        return mine(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "retrieve", killed)
    with pytest.raises(KilledError):
        write_pairs(tmp_path / "pairs", pools, CONFIG, {"seed": 7})
    assert not (tmp_path / "pairs").exists()
    write_pairs(tmp_path / "pairs", pools, CONFIG, {"seed": 7})
    assert (tmp_path / "pairs").read_bytes() == (tmp_path / "whole").read_bytes()
    # Every row group asks twice: what was mined before the one that was interrupted is not mined again.
    assert len(seen) == 2 * 12 + (killed_at - 1) % 2 + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs", "whole"]


def test_parts_of_other_pools_are_refused(pools: Pools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(module, "ROW_GROUP", 5)
    with monkeypatch.context() as last_moment:
        last_moment.setattr(module, "_batches", killed)
        with pytest.raises(KilledError):
            write_pairs(tmp_path / "pairs", pools, CONFIG, {"seed": 7})
    other = dict(pools.embeddings)
    other["photo", IMAGE] = -other["photo", IMAGE]
    for changed in (Pools(other, pools.text_sources), Pools(pools.embeddings, ["audio"] * COUNTS[TEXT])):
        with pytest.raises(CheckpointError, match="other pools"):
            write_pairs(tmp_path / "pairs", changed, CONFIG, {"seed": 7})
    with pytest.raises(CheckpointError, match="another recipe"):
        write_pairs(tmp_path / "pairs", pools, CONFIG, {"seed": 8})


def test_texts_of_unknown_source_are_marked(pools: Pools, tmp_path: Path) -> None:
    sources = [UNKNOWN if i % 3 else "audio" for i in range(COUNTS[TEXT])]
    write_pairs(tmp_path / "pairs.parquet", Pools(pools.embeddings, sources), CONFIG, {})
    read = read_pairs(tmp_path / "pairs.parquet", 4)
    assert read.sources == ("audio",)
    np.testing.assert_array_equal(read.text_source, np.where(read.ids[TEXT] % 3, -1, 0))
