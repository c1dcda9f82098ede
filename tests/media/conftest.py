"""Media made by the libraries themselves, and one pool for all tests that need no special limits."""

from collections.abc import Iterator

import pytest

from omnisearch.config import load_settings
from omnisearch.media.pool import DecoderPool


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecoderPool]:
    settings = load_settings(data_dir=tmp_path_factory.mktemp("data"))
    with DecoderPool(settings, workers=1) as pool:
        yield pool
