"""Search over mixed media collections where anything finds anything.

Importing this package imports no heavy library; the names below are loaded when they are first asked for.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Answer": "omnisearch.types",
    "AsyncClient": "omnisearch.client.asynchronous",
    "Client": "omnisearch.client.blocking",
    "Engine": "omnisearch.search.engine",
    "Expression": "omnisearch.query.expressions",
    "Finding": "omnisearch.types",
    "Hit": "omnisearch.types",
    "ItemRef": "omnisearch.query.expressions",
    "Match": "omnisearch.types",
    "MediaError": "omnisearch.errors",
    "Modality": "omnisearch.types",
    "OmniBind": "omnisearch.binding.model",
    "OmnisearchError": "omnisearch.errors",
    "Page": "omnisearch.types",
    "Query": "omnisearch.query.query",
    "Quota": "omnisearch.query.query",
    "Reason": "omnisearch.errors",
    "Region": "omnisearch.types",
    "Segment": "omnisearch.types",
    "Settings": "omnisearch.config",
    "Stretch": "omnisearch.types",
    "Term": "omnisearch.query.expressions",
    "UploadRef": "omnisearch.query.expressions",
    "parse": "omnisearch.query.grammar",
    "parse_conditions": "omnisearch.query.condition_parser",
}
__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'omnisearch' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
