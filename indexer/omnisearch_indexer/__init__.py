"""The indexer: read folders and write an index. `index` is the Python equivalent of `omnisearch index`."""

from importlib import import_module
from typing import Any

_HOMES = {
    "Labels": ("omnisearch_indexer.labels", "Labels"),
    "Report": ("omnisearch_indexer.report", "Report"),
    "index": ("omnisearch_indexer.session", "index_files"),
    "parse_place": ("omnisearch_indexer.object_store.address", "parse_place"),
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'omnisearch_indexer' has no attribute {name!r}")
    home, attribute = _HOMES[name]
    return getattr(import_module(home), attribute)


def __dir__() -> list[str]:
    return __all__
