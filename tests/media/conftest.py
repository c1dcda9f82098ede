"""Media made by the libraries themselves, and one pool for all tests that need no special limits."""

from collections.abc import Iterator

import pytest

from omnisearch.config import load_settings
from omnisearch.media import worker_process
from omnisearch.media.pool import DecoderPool
from tests import warm_fork


@pytest.fixture(scope="package", autouse=True)
def _real_decoders() -> Iterator[None]:
    """Start decoders as users' machines do: their libraries are imported in the sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_process, "start_worker", warm_fork.START_DECODER)
        yield


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecoderPool]:
    settings = load_settings(data_dir=tmp_path_factory.mktemp("data"))
    with DecoderPool(settings, workers=1) as pool:
        yield pool
