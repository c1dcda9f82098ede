"""Explanation by space: what the spaces of a term gave adds up to the score, of items and of what is embedded now."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.binding import checkpoint
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.query.expressions import ItemRef, Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.index import Index
from omnisearch.search.plan.embed import NOT_KEPT, SPACELESS
from omnisearch.search.present.hit_json import hit_json
from omnisearch.search.space_embeddings import space_id
from omnisearch.spaces import registry
from omnisearch.spaces.families.hashed import DIM, Hashed
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.types import Floats, Hit, Match, Modality
from omnisearch_indexer.session import index_files
from tests.conftest import HASHED_PARTS
from tests.indexer.conftest import write_good
from tests.media.makers import write_video

# Embeddings and vectors are float32: a dot product of two unit vectors is off by about 1e-7 for each of its steps.
ROUNDING = 1e-5


class Turned(Hashed):
    """Another space over the same towers."""

    def project(self, modality: Modality, features: Floats) -> Floats:
        return np.roll(super().project(modality, features), 1, axis=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model of two spaces and three branches, two of the same space; projectors, routers and means are random."""
    spaces = ("hashed", "turned")
    config = {
        "name": "two",
        "licence": "none",
        "dim": 48,
        "projectors": {space: {"kind": "mlp", "heads": 2, "hidden": 32} for space in spaces},
        "branches": {
            part: [{"parts": {"hashed": 1.0}}, {"parts": {"hashed": -0.5}, "normalise": True}, {"parts": {"turned": 1}}]
            for part in HASHED_PARTS
        },
        "routers": {part: {"kind": "learned", "inputs": spaces, "hidden": [8, 8]} for part in HASHED_PARTS},
        "centred": ["image", "audio"],
        "video": {"image": 0.7, "audio": 0.3},
    }
    torch.manual_seed(3)
    fusion = Fusion(ModelConfig.model_validate(config), dict.fromkeys(spaces, DIM))
    for mean in fusion.means.values():
        torch.nn.init.normal_(mean, std=0.2)
    folder = tmp_path_factory.mktemp("model")
    checkpoint.write(folder, fusion.eval())
    declared = replace(registry._DECLARED["hashed"], name="turned", target=f"{__name__}:Turned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._DECLARED, "turned", declared)  # type: ignore[arg-type]
        patch.setitem(registry.SPACES, "turned", replace(registry.SPACES["hashed"], name="turned"))  # type: ignore[arg-type]
        yield folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("files")
    write_good(place)
    write_video(place / "silent.mp4", seconds=2)
    return place


@pytest.fixture(scope="module")
def settings(model: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = load_settings(data_dir=tmp_path_factory.mktemp("data"), model=str(model), workers=1)
    assert not index_files([folder], made).failed
    return made


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine.open(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def items(settings: Settings) -> list[tuple[str, Modality, Path, int]]:
    """Id, modality, path and number of segments of every item."""
    index = Index.open(settings)
    with closing(index.store) as store:
        known = {point.payload.item_id: point.payload for point in store.scroll()}
    assert {payload.modality for payload in known.values()} == set(Modality)
    assert max(payload.segments for payload in known.values()) > 1
    return sorted((id_, p.modality, Path(p.path), p.segments) for id_, p in known.items())


def explained(engine: Engine, *terms: Term, limit: int = 5) -> tuple[Hit, ...]:
    return engine.search(Query(Sum(terms), limit=limit, explain=True, include_self=True)).hits


@pytest.mark.parametrize("seed", range(8))
def test_spaces_add_up_to_contributions_and_those_to_the_score(
    engine: Engine, items: list[tuple[str, Modality, Path, int]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    terms = [Term(f"words {seed}"), Term(tuple(random.normal(size=engine.model.dim).tolist()))]
    for id_, _, path, segments in (items[n] for n in random.choice(len(items), 3, replace=False)):
        terms += [Term(ItemRef(id_)), Term(ItemRef(id_, int(random.integers(segments)))), Term(path)]
    chosen = [terms[n] for n in random.permutation(len(terms))[: random.integers(1, len(terms) + 1)]]
    signs = random.choice([-1, 1, 1], len(chosen))
    weighted = [Term(t.source, float(s * random.uniform(0.2, 2))) for t, s in zip(chosen, signs, strict=True)]
    for hit in explained(engine, *weighted):
        assert sum(match.contribution for match in hit.matched_by) == pytest.approx(hit.score, abs=ROUNDING)
        for term, match in zip(weighted, hit.matched_by, strict=True):
            raw = isinstance(term.source, tuple)
            assert (match.unsplit, not match.spaces) == (SPACELESS if raw else "", raw)
            if not raw:
                assert sum(match.spaces.values()) == pytest.approx(match.contribution, abs=ROUNDING)


def test_an_item_is_explained_as_its_file_is(engine: Engine, items: list[tuple[str, Modality, Path, int]]) -> None:
    for id_, modality, path, _ in items:
        parts = ["image"] if modality is Modality.VIDEO else [str(modality)]  # the clip is silent
        named = {f"{part}:{space}" for part in parts for space in ("hashed", "turned")}
        named |= {f"{part}:centring" for part in parts if part in ("image", "audio")}
        by_id, by_file = (explained(engine, Term(source), limit=20) for source in (ItemRef(id_), path))
        others = {hit.id: hit for hit in by_file}  # hits of almost one score may come in another order
        assert {hit.id for hit in by_id} == others.keys()
        for one in by_id:
            (first,), (second,) = one.matched_by, others[one.id].matched_by
            assert one.score == pytest.approx(others[one.id].score, abs=ROUNDING)
            assert first.spaces == pytest.approx(second.spaces, abs=1e-4)
            assert first.factors == pytest.approx(second.factors, abs=1e-4)
            assert {name for name, share in first.spaces.items() if share} == named


def only_match(settings: Settings, id_: str) -> Match:
    with Engine.open(settings) as opened:
        (hit,) = explained(opened, Term(ItemRef(id_)), limit=1)
    assert hit.score == pytest.approx(1, abs=ROUNDING)
    assert hit_json(hit)["matched_by"][0].get("unsplit", "") == hit.matched_by[0].unsplit
    return hit.matched_by[0]


def test_without_the_embeddings_that_made_a_vector_there_is_no_split(
    settings: Settings, items: list[tuple[str, Modality, Path, int]]
) -> None:
    directory = settings.data_dir / EMBEDDINGS_DIRECTORY
    id_ = next(id_ for id_, modality, _, _ in items if modality is Modality.IMAGE)
    whole = directory.with_name("whole")
    shutil.copytree(directory, whole)
    try:
        assert only_match(settings, id_).spaces
        with closing(SpaceEmbeddingStore(directory)) as raw:
            space = space_id(OmniBind.load(str(settings.model), settings), "hashed")
            keys = raw.keys(space, Modality.IMAGE)
            rows, _ = raw.get(space, Modality.IMAGE, keys)
            raw.put(space, Modality.IMAGE, keys, np.roll(rows, 1, axis=1))  # as of a file that has just been read anew
            raw.flush()
            assert (only_match(settings, id_).spaces, only_match(settings, id_).unsplit) == ({}, NOT_KEPT)
            raw.delete(keys)
            raw.flush()
        assert (only_match(settings, id_).factors, only_match(settings, id_).unsplit) == ({}, NOT_KEPT)
        shutil.rmtree(directory)
        assert only_match(settings, id_).unsplit == NOT_KEPT
        assert not directory.exists()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        whole.rename(directory)
