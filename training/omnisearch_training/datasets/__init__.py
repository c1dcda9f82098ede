"""Captioned media from public packages, and a user's own, as records with splits."""

import importlib
import pkgutil

from omnisearch_training.datasets import declared
from omnisearch_training.datasets.base import Declaration, Record
from omnisearch_training.datasets.manifest import Dataset
from omnisearch_training.datasets.split import Split

__all__ = ["DECLARATIONS", "Dataset", "Declaration", "Record", "Split"]


def _declarations() -> dict[str, Declaration]:
    modules = (
        importlib.import_module(f"{declared.__name__}.{module.name}")
        for module in pkgutil.iter_modules(declared.__path__)
    )
    return {module.DECLARATION.name: module.DECLARATION for module in modules}


DECLARATIONS = _declarations()
