"""The executor of a run: what decodes and encodes its files, on this machine or on the nodes of a cluster."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch_indexer.encoders import Encoders
from omnisearch_indexer.files import Files


@dataclass(frozen=True, eq=False)
class Executor:
    """An open executor. It reads `workers` files at the same time."""

    files: Files
    encoders: Encoders
    workers: int


# The event tells the executor that the run was stopped.
OpenExecutor: TypeAlias = Callable[[Settings, OmniBind, threading.Event], AbstractContextManager[Executor]]
