"""The gate that fails when a ratio is worse than twice the recorded one."""

import subprocess
import sys

import pytest

from bench import gate
from bench.gate import Measured
from tests.test_docs import ROOT


def once(*rounds: float) -> gate.Callable[[], Measured]:
    return lambda: Measured(rounds, 1)


def test_a_ratio_within_the_limit_passes_and_a_worse_one_is_named() -> None:
    known = {"fine": 1.0, "worse": 1.0}
    wrong = gate.check(known, {"fine": once(1.9, 1.9, 9.0), "worse": once(2.1)})
    assert wrong == ["worse: 2.100 is worse than 2.0 times the recorded 1.000"]


def test_a_ratio_is_measured_a_second_time_before_it_fails() -> None:
    found = iter([5.0, 1.0])
    assert gate.check({"busy": 1.0}, {"busy": lambda: Measured([next(found)], 1)}) == []
    assert list(found) == []


def test_a_ratio_that_is_not_recorded_fails() -> None:
    (line,) = gate.check({}, {"new": once(1.0)})
    assert line.startswith("new: not recorded")


def test_every_ratio_is_recorded() -> None:
    assert gate.recorded().keys() == gate.RATIOS.keys()


@pytest.mark.slow
@pytest.mark.weights
def test_no_ratio_is_worse_than_twice_the_recorded_one() -> None:
    done = subprocess.run([sys.executable, ROOT / "bench" / "gate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
