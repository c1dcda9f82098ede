"""Queries made of any media, answered with any media."""

from typing import Any

__all__ = ["Engine"]


def __getattr__(name: str) -> Any:
    if name != "Engine":
        raise AttributeError(f"module 'omnisearch.search' has no attribute {name!r}")
    from omnisearch.search.engine import Engine  # loaded when it is first asked for, as it loads the model

    return Engine
