"""What every room's tests share: a bound model without weights."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import json
import ssl
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from omnisearch.media import worker_process
from omnisearch.stores import edge_link
from tests import warm_fork

# A machine that is busy is no failure; pytest's own timeout stays. Every run draws the same examples, so that it is a
# change of the code that turns a test red.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# Indexes flush to the disk after every write, thousands of times in all: in memory that takes a tenth of the time.
MEMORY_DISK, MEMORY_DISK_BYTES = Path("/dev/shm"), 6 << 30


def is_roomy(folder: Path) -> bool:
    """Whether a folder holds the files of a whole run, and lets programs run."""
    if not folder.is_dir():
        return False
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize >= MEMORY_DISK_BYTES and not disk.f_flag & os.ST_NOEXEC


if is_roomy(MEMORY_DISK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_DISK))

HASHED_PARTS = ("text", "image", "audio", "point_cloud")


def write_hashed_model(folder: Path, name: str = "toy") -> Path:
    """Write the folder of a model that is the weightless `hashed` space alone."""
    from safetensors.torch import save_file

    from omnisearch.config import load_settings
    from omnisearch.spaces.registry import load_space

    dim = load_space("hashed", load_settings()).spec.dim
    config = {
        "name": name,
        "licence": "Apache-2.0",
        "dim": dim,
        "projectors": {"hashed": {"kind": "identity"}},
        "branches": {part: [{"parts": {"hashed": 1.0}}] for part in HASHED_PARTS},
        "routers": {part: {"kind": "fixed", "factors": [1.0]} for part in HASHED_PARTS},
        "video": {"image": 0.7, "audio": 0.3},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(config))
    save_file({}, folder / "model.safetensors")
    return folder


def pytest_collection_finish() -> None:
    """Spare the collector what imports have made: it is no garbage, and there is much of it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _own_garbage() -> Iterator[None]:
    """Let what a module's tests leave open be found here: warnings are errors, and would hit any test that runs."""
    yield
    gc.collect()


@pytest.fixture(scope="session", autouse=True)
def _warm_processes() -> Iterator[None]:
    """Spare the tests the imports of every engine's worker and decoder.

    Tests of the start of workers and of decoding start the real ones (`START_ENGINE`, `START_DECODER`).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_link, "start_worker", warm_fork.start_engine)
        patch.setattr(worker_process, "start_worker", warm_fork.start_decoder)
        yield


@pytest.fixture(scope="session", autouse=True)
def _shared_certificates() -> Iterator[None]:
    """Load the certificates of authorities once: every HTTP client does, in 0.05 s, and tests make a thousand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def hashed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that needs no weights: pass it as `model`."""
    return write_hashed_model(tmp_path_factory.mktemp("models") / "toy")


class Ended(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run `omnisearch` with arguments in this process, which has imported torch already."""

    def run(*arguments: object) -> Ended:
        from omnisearch.cli.main import main

        monkeypatch.setattr(sys, "argv", ["omnisearch", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return Ended(int(left.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def _own_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep every test away from the user's settings and index, and from weights unless it is marked to need them."""
    for name in [name for name in os.environ if name.startswith("OMNISEARCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMNISEARCH_DATA_DIR", str(tmp_path / "data"))
    if request.node.get_closest_marker("weights") is None:
        monkeypatch.setenv("OMNISEARCH_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
