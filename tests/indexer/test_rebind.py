"""Another model over an index: what a new index would hold, made without the files, while searches go on."""

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from omnisearch.api.app import create_app
from omnisearch.binding import checkpoint
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings, load_settings
from omnisearch.errors import BusyError, FingerprintError, NoIndexError, Reason
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.spaces.families.hashed import Hashed
from omnisearch.spaces.registry import SPACES
from omnisearch.stores.base import Point
from omnisearch.stores.catalog import describe_store, open_catalog
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import hold_lock
from omnisearch.types import Modality
from omnisearch_indexer import audit, local_files, rebind, session
from omnisearch_indexer.rebind import Rebound, rebind_index
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures, read_status
from tests.api.conftest import wait_until_ready
from tests.conftest import HASHED_PARTS
from tests.indexer.conftest import SharedPools, points_of, write_good
from tests.indexer.damage import copy_index
from tests.indexer.test_crash import ended, start
from tests.indexer.test_session import counts
from tests.media.makers import write_video

PARTS = tuple(Modality(part) for part in HASHED_PARTS)
TEXT = Term("the quick brown fox")


def write_model(folder: Path, seed: int, space: str = "hashed", **changes: object) -> Path:
    """A model of one space, with random projectors, a router that chooses between two branches, and random means."""
    shared = {
        "name": f"bound{seed}",
        "licence": "none",
        "dim": 48,
        "projectors": {space: {"kind": "mlp", "heads": 2, "hidden": 32}},
        "branches": {part: [{"parts": {space: 1.0}}, {"parts": {space: -0.5}, "normalise": True}] for part in PARTS},
        "routers": {part: {"kind": "learned", "inputs": [space], "hidden": [8, 8]} for part in PARTS},
        "centred": ["image"] if seed % 2 else ["image", "audio"],
        "video": {"image": 1 / seed, "audio": 1 - 1 / (2 * seed)},
    }
    torch.manual_seed(seed)
    fusion = Fusion(ModelConfig.model_validate({**shared, **changes}), {space: SPACES[space].dim})
    for mean in fusion.means.values():
        torch.nn.init.normal_(mean, std=0.2)
    checkpoint.write(folder, fusion.eval())
    return folder


def rename_model(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"model": str(folder)})


class Corpus:
    """A folder of media, the index of it by one model, and what the index of another model holds."""

    def __init__(self, place: Path) -> None:
        self.folder, self.hidden = place / "files", place / "hidden"
        self.good = [*write_good(self.folder), self.folder / "silent.mp4"]
        write_video(self.good[-1], seconds=2)
        self.one, self.other = write_model(place / "one", 1), write_model(place / "other", 2)
        settings = load_settings(model=str(self.one), data_dir=place / "data", workers=2)
        index_files([self.folder], settings)
        fresh = rename_model(settings.model_copy(update={"data_dir": place / "fresh"}), self.other)
        index_files([self.folder], fresh)
        self.settings, self.before, self.after = settings, points_of(settings), points_of(fresh)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, shared_pools: SharedPools) -> Corpus:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "decoder_pool", shared_pools.open)
        return Corpus(tmp_path_factory.mktemp("rebind"))


@pytest.fixture
def indexed(corpus: Corpus, tmp_path: Path) -> Iterator[Settings]:
    """A copy of the index by the model `one`; the files are not where they were."""
    settings = copy_index(corpus.settings, tmp_path / "index")
    corpus.folder.rename(corpus.hidden)
    yield settings
    if corpus.hidden.exists():
        corpus.hidden.rename(corpus.folder)


def same(one: dict[str, Point], other: dict[str, Point]) -> bool:
    return one.keys() == other.keys() and all(
        point.payload == other[key].payload and np.allclose(point.vector, other[key].vector, rtol=0, atol=1e-6)
        for key, point in one.items()
    )


def collections(settings: Settings) -> list[str]:
    with closing(open_catalog(settings)) as catalog:
        return [str(name) for name in catalog.names()]


def test_rebinding_gives_what_a_new_index_gives(
    corpus: Corpus, indexed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not same(corpus.before, corpus.after)
    other = rename_model(indexed, corpus.other)
    with pytest.raises(FingerprintError, match="omnisearch rebind"):
        points_of(other)
    monkeypatch.setattr(audit, "BATCH_POINTS", 3)  # batches cut across items and modalities
    assert rebind_index(other).points == len(corpus.after)
    assert same(points_of(other), corpus.after)
    assert collections(other) == [str(describe_store(other))]

    corpus.hidden.rename(corpus.folder)
    opened: list[Path] = []
    monkeypatch.setattr(local_files, "open_file", lambda path, **_: opened.append(path))
    report = index_files([corpus.folder], other)
    assert (counts(report), opened) == ({"unchanged": len(corpus.good)}, [])
    assert read_status(other)["model"] == "bound2"
    with pytest.raises(FingerprintError, match="bound1"):
        points_of(indexed)


@pytest.mark.slow
def test_rebinding_there_and_back_is_the_identity(corpus: Corpus, indexed: Settings) -> None:
    for folder in (corpus.other, corpus.one, corpus.one):
        rebind_index(rename_model(indexed, folder))
    assert same(points_of(indexed), corpus.before)


class Asker(threading.Thread):
    """Asks the same thing again and again, and once more after `done`."""

    def __init__(self, ask: Callable[[], list[float]]) -> None:
        super().__init__()
        self.ask, self.answers, self.done = ask, [ask()], threading.Event()
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        last = False
        try:
            while not last:
                last = self.done.is_set()
                self.answers.append(self.ask())
        except BaseException as error:
            self.error = error

    def wait_for(self, count: int) -> None:
        while len(self.answers) < count and self.is_alive():
            time.sleep(0.01)

    def end(self) -> list[list[float]]:
        self.done.set()
        self.join()
        assert self.error is None
        return self.answers


@pytest.mark.slow
def test_searches_are_answered_throughout(
    corpus: Corpus, indexed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a library's engine and by a server that run on while the model's folder gets new contents."""
    folder = shutil.copytree(corpus.one, tmp_path / "model")
    settings = rename_model(indexed, folder)
    fill, askers = rebind._fill, list[Asker]()

    def fill_and_be_asked(*parts: Any) -> Rebound:
        done = fill(*parts)
        for asker in askers:
            asker.wait_for(len(asker.answers) + 3)
        return done

    monkeypatch.setattr(audit, "BATCH_POINTS", 1)
    monkeypatch.setattr(rebind, "_fill", fill_and_be_asked)
    with Engine.open(indexed) as engine:
        before = _scores(engine)
    with Engine.open(settings) as engine, TestClient(create_app(settings), base_url="http://localhost") as client:
        wait_until_ready(client)

        def ask_server() -> list[float]:
            answer = client.post("/v1/search", json={"query": [{"text": str(TEXT)}], "limit": 50})
            assert answer.status_code == 200, answer.text
            assert client.get("/v1/status").json()["segments"]["text"] > 0
            return [hit["score"] for hit in answer.json()["hits"]]

        askers += [Asker(lambda: _scores(engine)), Asker(ask_server)]
        shutil.copytree(corpus.other, folder, dirs_exist_ok=True)
        rebind_index(settings)
        conversations = [asker.end() for asker in askers]
        assert engine.model.name == client.get("/v1/status").json()["model"] == "bound2"
    with Engine.open(settings) as fresh:
        expected = _scores(fresh)
    for answers in conversations:
        old = [np.allclose(answer, before, atol=1e-5) for answer in answers]
        new = [np.allclose(answer, expected, atol=1e-5) for answer in answers]
        assert new == [not one for one in old] == sorted(new)
        assert sum(old) > 2  # those that came during the rebind
        assert new[-1]


def _scores(engine: Engine) -> list[float]:
    return [hit.score for hit in engine.search(Query(TEXT, limit=50)).hits]


@pytest.mark.slow
def test_a_server_of_the_old_model_says_so_until_its_index_is_back(corpus: Corpus, indexed: Settings) -> None:
    with TestClient(create_app(indexed), base_url="http://localhost") as client:
        wait_until_ready(client)
        rebind_index(rename_model(indexed, corpus.other))
        answer = client.post("/v1/search", json={"query": [{"text": "fox"}]})
        assert (answer.status_code, answer.json()["code"]) == (409, "fingerprint")
        assert client.get("/readyz").json()["code"] == "fingerprint"
        rebind_index(indexed)
        wait_until_ready(client)
        assert client.post("/v1/search", json={"query": [{"text": "fox"}]}).status_code == 200


# Kills itself in front of the n-th call of one method.
DRIVER = """
import os, signal, sys
from pathlib import Path
from omnisearch.config import load_settings
from omnisearch.stores.edge import EdgeCatalog, EdgeStore
from omnisearch_indexer import audit, rebind
from omnisearch_indexer.manifest import Manifest

owner, name, left = {"middle": (EdgeStore, "upsert", 3), "moved": (EdgeCatalog, "drop", 1)}[sys.argv[1]]
original = getattr(owner, name)

def wrapped(*args, **kwargs):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)

setattr(owner, name, wrapped)
audit.BATCH_POINTS = 2
rebind.rebind_index(load_settings(model=sys.argv[2], data_dir=Path(sys.argv[3])), then_read=True)
"""


@pytest.mark.slow
def test_a_kill_midway_leaves_the_old_index(corpus: Corpus, indexed: Settings) -> None:
    other = rename_model(indexed, corpus.other)
    status, _, stderr = ended(start("-c", DRIVER, "middle", other.model, other.data_dir))
    assert status == -signal.SIGKILL, stderr
    assert len(collections(indexed)) == 2
    assert same(points_of(indexed), corpus.before)
    third = rename_model(indexed, write_model(indexed.data_dir / "third", 3))
    rebind_index(third)  # not the model of the run that died
    assert collections(third) == [str(describe_store(third))]
    rebind_index(other)
    assert same(points_of(other), corpus.after)


@pytest.mark.slow
def test_a_kill_after_the_alias_moved_is_mended_by_the_next_run(corpus: Corpus, indexed: Settings) -> None:
    other = rename_model(indexed, corpus.other)
    status, _, stderr = ended(start("-c", DRIVER, "moved", other.model, other.data_dir))
    assert status == -signal.SIGKILL, stderr
    assert same(points_of(other), corpus.after)
    corpus.hidden.rename(corpus.folder)
    with pytest.raises(FingerprintError, match="omnisearch rebind"):
        index_files([corpus.folder], other)
    rebind_index(other)
    assert collections(other) == [str(describe_store(other))]
    assert counts(index_files([corpus.folder], other)) == {"unchanged": len(corpus.good)}
    assert same(points_of(other), corpus.after)


def test_a_model_that_needs_more_than_was_kept_is_refused(
    corpus: Corpus, indexed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = {"branches": {"image": [{"parts": {"hashed": 1}}]}, "routers": {"image": {"kind": "fixed", "factors": [1]}}}
    for folder, lacking in (
        (write_model(tmp_path / "strange", 1, "object"), "'object'"),
        (write_model(tmp_path / "flat", 1, **flat, centred=[], video={}), "not embed"),
    ):
        with pytest.raises(FingerprintError, match=f"{lacking}.*`omnisearch index PATH"):
            rebind_index(rename_model(indexed, folder))
    with monkeypatch.context() as patch:
        patch.setattr(Hashed, "fingerprint", "0123456789abcdef")
        with pytest.raises(FingerprintError, match=r"'hashed'.*0123456789abcdef.*`omnisearch index PATH"):
            rebind_index(rename_model(indexed, corpus.other))
    assert same(points_of(indexed), corpus.before)
    assert len(collections(indexed)) == 1


def test_an_item_without_a_direction_in_the_new_space_has_failed(
    corpus: Corpus, indexed: Settings, tmp_path: Path
) -> None:
    heard = rename_model(indexed, write_model(tmp_path / "heard", 1, video={"audio": 1.0}))
    report = rebind_index(heard)
    assert (len(report.directionless), report.points) == (1, len(points_of(heard)))
    (failure,) = read_failures(heard, every=False)
    assert (Path(failure["path"]).name, failure["reason"]) == ("silent.mp4", Reason.NON_FINITE)
    corpus.hidden.rename(corpus.folder)
    assert counts(index_files([corpus.folder], heard)) == {"unchanged": len(corpus.good) - 1, "failed": 1}


def test_the_command(corpus: Corpus, indexed: Settings, call: Callable[..., tuple[int, str]]) -> None:
    status, stdout = call("rebind", "--data-dir", indexed.data_dir, "--model", corpus.other)
    found = json.loads(stdout)
    assert (status, found["points"], found["failed_items"]) == (0, len(corpus.after), 0)
    assert found["points_per_second"] > 0


def test_files_that_a_space_has_not_read_are_read_on_request(
    corpus: Corpus, indexed: Settings, call: Callable[..., tuple[int, str]]
) -> None:
    """As in a newer model that has another space for texts: the files of other modalities are not opened."""
    texts = [key for key, point in corpus.before.items() if point.payload.modality is Modality.TEXT]
    with closing(SpaceEmbeddingStore(indexed.index_dir / EMBEDDINGS_DIRECTORY)) as raw:
        raw.delete(texts)
        raw.flush()
    command = ("rebind", "--data-dir", indexed.data_dir, "--model", corpus.other)
    with pytest.raises(FingerprintError, match="omnisearch rebind --read"):
        rebind_index(rename_model(indexed, corpus.other))
    corpus.hidden.rename(corpus.folder)
    read = {Path(point.payload.path).name for key, point in corpus.before.items() if key in texts}
    status, stdout = call(*command, "--read", "--format", "json")
    found = json.loads(stdout)
    lost = {point.payload.item_id for key, point in corpus.before.items() if key in texts}
    bound = len(corpus.before) - len(texts)
    assert (status, found["points"], found["lost_items"]) == (0, bound, len(lost))
    assert (found["read_again"], found["not_repaired"]) == (len(read), [])
    assert same(points_of(rename_model(indexed, corpus.other)), corpus.after)


def test_it_needs_an_index_and_no_other_indexer(corpus: Corpus, indexed: Settings, tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        rebind_index(indexed.model_copy(update={"data_dir": tmp_path / "none"}))
    assert not (tmp_path / "none").exists()
    with hold_lock(indexed.data_dir), pytest.raises(BusyError):
        rebind_index(rename_model(indexed, corpus.other))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["moved", "middle"])
def test_files_that_were_to_be_read_are_read_by_the_next_run_after_a_kill(
    corpus: Corpus, indexed: Settings, call: Callable[..., tuple[int, str]], moment: str
) -> None:
    texts = [key for key, point in corpus.before.items() if point.payload.modality is Modality.TEXT]
    with closing(SpaceEmbeddingStore(indexed.index_dir / EMBEDDINGS_DIRECTORY)) as raw:
        raw.delete(texts)
        raw.flush()
    status, _, stderr = ended(start("-c", DRIVER, moment, corpus.other, indexed.data_dir))
    assert status == -signal.SIGKILL, stderr
    corpus.hidden.rename(corpus.folder)
    status, _ = call("rebind", "--data-dir", indexed.data_dir, "--model", corpus.other, "--read")
    assert status == 0
    assert same(points_of(rename_model(indexed, corpus.other)), corpus.after)
