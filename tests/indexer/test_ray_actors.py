"""The pool of actors, without a cluster."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import ClusterError, FingerprintError, ModelMissingError, StoppedError
from omnisearch_indexer import session
from omnisearch_indexer.executor import Executor
from omnisearch_indexer.local_files import LocalFiles
from omnisearch_indexer.ray.plan import Node, Place
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import points_of, write_image

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray takes a second to import

ray = pytest.importorskip("ray", reason="the package ray is not installed")

NODE, OTHER = Node("1", "first", 1), Node("2", "second", 1)


class FakeCluster:
    """Starts actors that answer at once; `answer` is a version or an error, and `living` are the nodes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from omnisearch_indexer.ray import actors

        self.answer: Any = "v1"
        self.living = [NODE, OTHER]
        self.started: list[Place] = []
        self.stop = threading.Event()
        monkeypatch.setattr(actors.ray, "get", self._get)
        monkeypatch.setattr(actors.ray, "wait", lambda refs, num_returns, timeout: (refs, []))
        monkeypatch.setattr(actors.ray, "kill", lambda handle: None)
        monkeypatch.setattr(actors, "living_nodes", lambda: self.living)
        monkeypatch.setattr(actors, "POLL_SECONDS", 0.01)

    def actors(self, *nodes: Node, depth: int = 1) -> Any:
        from omnisearch_indexer.ray.actors import Actors

        return Actors(self._start, [Place(node, 1) for node in nodes], "v1", "decoder", self.stop, depth)

    def _start(self, place: Place) -> Any:
        self.started.append(place)
        return SimpleNamespace(version=SimpleNamespace(remote=lambda: object()))

    def _get(self, ref: Any, timeout: float | None = None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    return FakeCluster(monkeypatch)


def ended() -> Exception:
    return ray.exceptions.RayActorError(error_msg="no module named omnisearch")


def test_actors_with_less_work_are_lent_first(cluster: FakeCluster) -> None:
    actors = cluster.actors(NODE, OTHER, depth=2)
    lent = [actors.take().place.node for _ in range(4)]
    assert lent[:2] in ([NODE, OTHER], [OTHER, NODE])


def test_after_a_stop_nobody_waits_for_an_actor(cluster: FakeCluster) -> None:
    actors = cluster.actors(NODE)
    cluster.stop.set()
    actor = actors.take()
    with pytest.raises(StoppedError, match="waited for a decoder"):
        actors.take()
    actors.give(actor)
    assert actors.take() is actor


@pytest.mark.timeout(60)
@pytest.mark.parametrize("busy", ["decoder", "encoder"])
def test_a_run_that_is_stopped_while_the_cluster_is_busy_ends(
    busy: str, cluster: FakeCluster, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnisearch_indexer.ray import actors
    from omnisearch_indexer.ray.ray_encoders import RayEncoders
    from omnisearch_indexer.ray.ray_files import RayFiles

    def wait(refs: Any, num_returns: int, timeout: float) -> Any:
        cluster.stop.set()
        return [], refs

    @contextmanager
    def open_executor(settings: Settings, model: OmniBind, stop: threading.Event) -> Iterator[Executor]:
        assert stop is cluster.stop
        with (
            session.decoder_pool(settings, 2, previews=True) as pool,
            closing(cluster.actors(NODE)) as lent,
            closing(RayEncoders(lent, 1, model.dim, 2)) as encoders,
        ):
            yield Executor(RayFiles(lent) if busy == "decoder" else LocalFiles(pool), encoders, 2)

    monkeypatch.setattr(actors.ray, "wait", wait)
    for n in range(5):
        write_image(tmp_path / "files" / f"{n}.png", seed=n)
    report = index_files([tmp_path / "files"], settings, stop=cluster.stop, open_executor=open_executor)
    assert report.interrupted
    assert (report.outcomes[Outcome.PENDING], report.failed) == (5, 0)
    assert index_files([tmp_path / "files"], settings).outcomes[Outcome.NEW] == 5
    assert len(points_of(settings)) == 5


def test_an_actor_that_never_works_is_left_after_some_starts(cluster: FakeCluster) -> None:
    from omnisearch_indexer.ray.actors import STARTS

    cluster.answer = ended()
    with pytest.raises(ClusterError, match=r"no decoder of the cluster is left.*no module named omnisearch"):
        cluster.actors(NODE).take()
    assert len(cluster.started) == STARTS


def test_an_actor_that_works_now_and_then_is_started_again(cluster: FakeCluster) -> None:
    actors = cluster.actors(NODE)
    for _ in range(10):
        actors.give(actors.take())
        assert actors.replace(actors.take(), ended())
    assert len(cluster.started) == 11


def test_the_actors_of_a_lost_node_are_not_started_again(cluster: FakeCluster) -> None:
    actors = cluster.actors(NODE, OTHER)
    cluster.living = [OTHER]
    lent = [actors.take(), actors.take()]
    for actor in lent:
        if actor.place.node == NODE:
            assert not actors.replace(actor, ended())
        else:
            actors.give(actor)
    assert len(cluster.started) == 2
    assert actors.take().place.node == OTHER


def test_a_node_that_cannot_work_is_named(cluster: FakeCluster) -> None:
    cluster.answer = "v2"
    with pytest.raises(FingerprintError, match=r"node first.*\(v2\).*\(v1\)"):
        cluster.actors(NODE).take()
    cluster.answer = ray.exceptions.RayTaskError("version", "", ModelMissingError("no weights"))
    with pytest.raises(ModelMissingError, match="on node first: no weights"):
        cluster.actors(NODE).take()
