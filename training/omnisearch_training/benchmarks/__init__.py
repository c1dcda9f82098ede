"""Public benchmarks: one declaration each, evaluated on the user's copy of the data, and compared with the paper."""

import importlib
import pkgutil

from omnisearch_training.benchmarks import declared
from omnisearch_training.benchmarks.base import Benchmark

__all__ = ["BENCHMARKS", "Benchmark"]


def _declarations() -> dict[str, Benchmark]:
    modules = (
        importlib.import_module(f"{declared.__name__}.{module.name}")
        for module in pkgutil.iter_modules(declared.__path__)
    )
    return {module.BENCHMARK.name: module.BENCHMARK for module in modules}


BENCHMARKS = _declarations()
