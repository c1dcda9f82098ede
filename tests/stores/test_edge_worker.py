"""The worker process of the embedded engine: one for all, gone after the last, replaced when it dies."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, StoreError
from omnisearch.stores import edge_link, edge_worker, validation
from omnisearch.stores.base import Facts, Lookup, VectorStore
from omnisearch.stores.catalog import describe_store, open_store
from omnisearch.stores.edge import EdgeStore
from omnisearch.stores.edge_link import EdgeLink
from omnisearch.wire import Message, WireError
from tests import warm_fork
from tests.stores.conftest import reopen
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points, vector

LINGER_SECONDS = 0.4


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", LINGER_SECONDS)
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def real_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start workers as users' machines do, for what depends on it: the others are forks, which start in less time."""
    monkeypatch.setattr(edge_link, "start_worker", warm_fork.START_ENGINE)


@pytest.fixture
def store(settings: Settings) -> Iterator[VectorStore]:
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        yield opened


def vectors_dir(settings: Settings) -> Path:
    return settings.data_dir / "vectors"


def worker_pid(settings: Settings) -> int:
    return int(json.loads((vectors_dir(settings) / "worker.lock").read_text())["pid"])


def socket_path(settings: Settings) -> Path:
    return Path(json.loads((vectors_dir(settings) / "worker.lock").read_text())["socket"])


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pid: int, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


def kill_worker(settings: Settings) -> None:
    pid = worker_pid(settings)
    with suppress(ProcessLookupError):  # one whose last client has left may have ended by itself
        os.kill(pid, signal.SIGKILL)
    assert wait_for_end(pid)


CLIENT = """
import sys
from pathlib import Path
from omnisearch.config import Settings
from tests.stores.conftest import reopen
from tests.stores.samples import points
store = reopen(Settings(data_dir=Path(sys.argv[1])))
print(store.count(), flush=True)
sys.stdin.read()
"""


def start_client(settings: Settings) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CLIENT, str(settings.data_dir)]
    return subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("real_start")
def test_processes_share_one_worker(settings: Settings, store: VectorStore) -> None:
    store.upsert(points(5))
    first = worker_pid(settings)
    with start_client(settings) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "5\n"
        assert worker_pid(settings) == first != os.getpid()
        client.kill()
    assert store.count() == 5


@pytest.mark.usefixtures("real_start")
@pytest.mark.slow
def test_the_worker_ends_after_its_last_client_even_a_killed_one(settings: Settings, store: VectorStore) -> None:
    store.upsert(points(5))
    pid = worker_pid(settings)
    with start_client(settings) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "5\n"
        store.close()
        assert not wait_for_end(pid, LINGER_SECONDS + 1)  # the other client holds it
        client.kill()
    assert wait_for_end(pid)
    assert not socket_path(settings).exists()
    assert reopen_count(settings) == 5
    assert worker_pid(settings) != pid


def reopen_count(settings: Settings) -> int:
    with closing(reopen(settings)) as opened:
        return opened.count()


def test_a_copy_of_a_directory_is_not_served_by_the_worker_of_the_original(
    settings: Settings, store: VectorStore, tmp_path: Path
) -> None:
    """The copy has the file that names the worker."""
    store.upsert(points(3))
    copied = settings.model_copy(update={"data_dir": tmp_path / "copied"})
    shutil.copytree(settings.data_dir, copied.data_dir)
    with closing(reopen(copied)) as other:
        other.delete([point.payload.item_id for point in points(3)])
        assert other.count() == 0
    assert store.count() == len(points(3))


def test_a_client_of_another_version_is_refused(
    settings: Settings, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.count()
    monkeypatch.setattr(edge_link, "PROTOCOL", edge_worker.PROTOCOL + 1)
    with pytest.raises(StoreError, match=f"another version of omnisearch .* by its process {worker_pid(settings)}: "):
        EdgeLink(vectors_dir(settings)).ask({"do": "ping"})
    assert store.count() == 0


@pytest.mark.usefixtures("real_start")
@pytest.mark.slow
def test_a_killed_worker_loses_nothing_acknowledged(settings: Settings, store: VectorStore) -> None:
    written = points(60, segments=1)
    for round_, at in enumerate(range(0, 60, 20)):
        store.upsert(written[at : at + 20])
        store.delete([f"item-{at}"])
        store.describe({f"item-{at + 1}": Facts(f"/moved/{round_}")})
        kill_worker(settings)
    assert {point.id for point in store.scroll()} == {written[n].id for n in range(60) if n not in {0, 20, 40}}
    moved = {point.payload.item_id: point.payload.path for point in store.scroll() if "moved" in point.payload.path}
    assert moved == {"item-1": "/moved/0", "item-21": "/moved/1", "item-41": "/moved/2"}


@pytest.mark.usefixtures("real_start")
@pytest.mark.slow
def test_a_worker_killed_while_writing_loses_and_doubles_nothing(settings: Settings, store: VectorStore) -> None:
    """Nobody sees it: what was under way is written again to the next worker."""
    written, under_way, killed = points(4000, segments=1), threading.Event(), threading.Event()

    def kill_in_the_midst() -> None:
        under_way.wait()
        kill_worker(settings)
        killed.set()

    killer = threading.Thread(target=kill_in_the_midst, daemon=True)
    killer.start()
    for at in range(0, len(written), 10):
        store.upsert(written[at : at + 10])
        under_way.set()
        if killed.is_set():
            break
    killer.join()
    written = written[: at + 10]
    kept = {point.id: point for point in store.scroll(with_vectors=True)}
    assert kept.keys() == {point.id for point in written}
    for point in written:
        expected = point.vector / np.linalg.norm(point.vector)
        np.testing.assert_allclose(kept[point.id].vector, expected, atol=1e-6)


@pytest.mark.usefixtures("real_start")
def test_a_worker_that_dies_of_every_request_is_not_asked_for_ever(
    settings: Settings, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def fall_over(link: EdgeLink, request: Message) -> Message:
        sent.append(request.body["do"])
        raise WireError("it closed the stream")

    monkeypatch.setattr(EdgeLink, "_exchange", fall_over)
    with pytest.raises(StoreError, match=r"died.*worker\.log"):
        store.upsert(points(1))
    assert sent == ["upsert", "upsert"]


def test_a_worker_that_hangs_is_not_asked_again(
    settings: Settings, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.count() == 0
    pid = worker_pid(settings)
    assert isinstance(store, EdgeStore)
    assert store._link._sock is not None
    store._link._sock.settimeout(0.5)
    connected: list[Any] = []
    monkeypatch.setattr(EdgeLink, "_connect", lambda link: connected.append(link))
    os.kill(pid, signal.SIGSTOP)
    while "(stopped)" not in Path(f"/proc/{pid}/status").read_text():  # the signal takes its time
        time.sleep(0.01)
    try:
        with pytest.raises(StoreError, match="hung"):
            store.count()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert not connected


@pytest.mark.usefixtures("real_start")
def test_many_clients_start_one_worker(settings: Settings, store: VectorStore) -> None:
    store.upsert(points(3))
    store.close()
    kill_worker(settings)
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: reopen(settings), range(8)))
        assert list(pool.map(lambda one: one.count(), stores)) == [3] * 8
        pids = set(pool.map(lambda one: asked_pid(one), stores))
        for one in stores:
            one.close()
    assert pids == {worker_pid(settings)}


def stream_inode(store: VectorStore) -> int:
    assert isinstance(store, EdgeStore)
    stream = store._link._sock
    assert stream is not None
    return os.fstat(stream.fileno()).st_ino


def asked_pid(store: VectorStore) -> int:
    """The process at the other end of a store's stream."""
    assert isinstance(store, EdgeStore)
    stream = store._link._sock
    assert stream is not None
    pid, _, _ = struct.unpack("3i", stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


@pytest.mark.usefixtures("real_start")
@pytest.mark.slow
def test_a_client_that_meets_an_ending_worker_gets_the_next_one(settings: Settings, store: VectorStore) -> None:
    store.upsert(points(3))
    store.close()
    counts, pids = [], []
    for delay in (-0.1, 0.1, 0.2, 0.3, 0.5):  # so that connecting meets the end at several moments of it
        time.sleep(LINGER_SECONDS + delay)
        counts.append(reopen_count(settings))
        pids.append(worker_pid(settings))
    assert wait_for_end(pids[-1])
    counts.append(reopen_count(settings))
    pids.append(worker_pid(settings))
    assert counts == [3] * 6
    assert len(set(pids)) > 1


def test_threads_share_a_store(store: VectorStore) -> None:
    written = points(24, segments=1)

    def write_and_search(n: int) -> str:
        store.upsert([written[n]])
        return store.search([Lookup(written[n].vector, 1)])[0][0].id

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write_and_search, range(24))) == [point.id for point in written]


def test_a_forked_child_gets_a_stream_of_its_own(store: VectorStore) -> None:
    store.upsert(points(5))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, f"{store.count()} {stream_inode(store)}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        count, inode = map(int, answer.read().split())
    assert count == 5
    assert inode != stream_inode(store)
    os.waitpid(child, 0)
    assert store.count() == 5


@pytest.mark.usefixtures("real_start")
@pytest.mark.slow
def test_a_deep_data_directory_has_a_short_socket(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / ("d" * 150) / ("ü" * 100))
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        opened.upsert(points(2))
        assert opened.count() == 2
    assert len(os.fsencode(socket_path(settings))) <= 100
    assert socket_path(settings).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("real_start")
@pytest.mark.parametrize("runtime", ["", "r" * 120], ids=["unset", "too deep"])
def test_clients_with_another_environment_find_the_worker(
    settings: Settings, store: VectorStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime: str
) -> None:
    store.upsert(points(2))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime and str(tmp_path / runtime))
    before = worker_pid(settings)
    assert reopen_count(settings) == 2
    assert worker_pid(settings) == before


def test_a_socket_that_others_may_write_is_refused(settings: Settings, store: VectorStore) -> None:
    path = socket_path(settings)
    path.chmod(0o777)
    with pytest.raises(StoreError, match="belongs to user"):
        reopen_count(settings)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be kept in"):
        open_store(Settings(data_dir=tmp_path / "data"), model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_named(settings: Settings, store: VectorStore) -> None:
    store.close()
    kill_worker(settings)
    vectors_dir(settings).chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        store.count()
    vectors_dir(settings).chmod(0o700)


def test_an_alias_file_that_is_no_alias_is_named(settings: Settings, store: VectorStore) -> None:
    for text in ("", "{}", "[]", '{"omnisearch": "../elsewhere"}', '{"omnisearch": 3}'):
        (vectors_dir(settings) / "alias.json").write_text(text)
        with pytest.raises(StoreError, match=r"alias\.json"):
            describe_store(settings)


def test_a_spoilt_collection_is_named(settings: Settings, store: VectorStore) -> None:
    store.upsert(points(3))
    store.close()
    kill_worker(settings)
    shutil.rmtree(vectors_dir(settings) / store.collection / "segments")
    (vectors_dir(settings) / store.collection / "edge_config.json").unlink()
    with pytest.raises((StoreError, NoIndexError), match=store.collection):
        store.count()


def test_too_little_disk_is_refused_before_the_engine_is_touched(
    settings: Settings, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert(points(3))
    monkeypatch.setattr(validation, "RESERVE", 1 << 60)
    asked: list[Any] = []
    monkeypatch.setattr(EdgeLink, "ask", lambda *args: asked.append(args))
    refused = f"{1 << 60:,}"
    with pytest.raises(StoreError, match=refused):
        store.upsert(points(4))
    with pytest.raises(StoreError, match=refused):
        store.delete(["item-0"])
    with pytest.raises(StoreError, match=refused):
        store.describe({"item-0": Facts("/x")})
    assert not asked


def test_an_engine_that_refuses_says_why_and_stays(store: VectorStore) -> None:
    assert isinstance(store, EdgeStore)
    for body in ({"do": "unknown"}, {"do": "count"}, {}):
        with pytest.raises(StoreError, match="refused"):
            store._link.ask(body)
    assert store.count() == 0


@pytest.mark.usefixtures("real_start")
def test_a_worker_that_cannot_start_says_why(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(StoreError, match="did not start"):
        EdgeLink(vectors_dir(settings)).ask({"do": "names"})


def test_a_message_of_another_kind_ends_one_client_alone(settings: Settings, store: VectorStore) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(socket_path(settings)))
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        stranger.settimeout(120)
        with suppress(ConnectionResetError):
            while stranger.recv(4096):
                pass
    assert store.count() == 0


@pytest.mark.usefixtures("real_start")
def test_nothing_of_the_current_folder_is_imported_by_the_worker(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "qdrant_edge.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        assert opened.count() == 0
        assert opened.search([Lookup(vector(0), 1)]) == [[]]
