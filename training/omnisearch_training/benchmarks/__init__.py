"""Public benchmarks: one declaration each, evaluated on the user's copy of the data, and compared with the paper."""

from omnisearch_training.benchmarks import declared
from omnisearch_training.benchmarks.base import Benchmark
from omnisearch_training.declared import load_declared

__all__ = ["BENCHMARKS", "Benchmark"]

BENCHMARKS: dict[str, Benchmark] = load_declared(declared, "BENCHMARK")
