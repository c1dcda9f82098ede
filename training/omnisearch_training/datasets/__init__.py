"""Captioned media from public packages, and a user's own, as records with splits."""

from omnisearch_training.datasets import declared
from omnisearch_training.datasets.base import Declaration, Record
from omnisearch_training.datasets.manifest import Dataset
from omnisearch_training.datasets.split import Split
from omnisearch_training.declared import load_declared

__all__ = ["DECLARATIONS", "Dataset", "Declaration", "Record", "Split"]

DECLARATIONS: dict[str, Declaration] = load_declared(declared, "DECLARATION")
