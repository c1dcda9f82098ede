"""The schema of results: what a value and its spread are, and what a file says of its run."""

import json
import random
import statistics
import sys
from pathlib import Path

import pytest

from bench import agree, results
from bench.results import Report, in_blocks, spread


def test_a_value_is_the_median_and_lies_within_its_spread() -> None:
    value, low, high = spread([2.0, 1.0, 4.0])
    assert value == 2.0
    assert low < 1.0 < 4.0 < high
    assert low * high == pytest.approx(value**2)  # symmetric in the logarithms


def test_equal_rounds_have_no_spread_and_negative_ones_have_one() -> None:
    assert spread([3.0, 3.0]) == spread([3.0]) == (3.0, 3.0, 3.0)
    value, low, high = spread([-1.0, 0.0, 1.0])
    assert (value, low) == (0.0, -high)


@pytest.mark.parametrize("rounds", [3, 5, 9])
def test_a_second_run_lies_within_the_spread_in_95_of_100_cases(rounds: int) -> None:
    draw = random.Random(rounds)

    def run() -> list[float]:
        return [draw.lognormvariate(0, 0.2) for _ in range(rounds)]

    inside = 0
    for _ in range(4000):
        _, low, high = spread(run())
        inside += low <= statistics.median(run()) <= high
    assert 0.93 < inside / 4000 < 0.98


def test_blocks_are_medians_of_consecutive_turns() -> None:
    assert in_blocks([1, 2, 3, 10, 20, 30], 2) == [2, 20]
    assert in_blocks([5, 7], 5) == [5, 7]


def test_a_file_holds_command_machine_and_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in results.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    script = results.ROOT / "bench" / "rebind.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--json", str(tmp_path / "x.json"), "--files", "7", str(tmp_path)])
    report = Report(str(script))
    report.add("a ratio", "ratio", [1.0, 1.2, 1.1], 7, "higher", "a peer", "1.0")
    report.miss("another", "ms", "it is not here", peer="a peer")
    report.write(tmp_path / "x.json")
    found = json.loads((tmp_path / "x.json").read_text("utf-8"))
    assert found["script"] == "rebind"
    assert found["command"] == f"OMP_NUM_THREADS=2 python bench/rebind.py --files 7 {tmp_path.name}"
    assert found["machine"]["cores"] > 0
    assert found["machine"]["packages"]["torch"]
    first, second = found["results"]
    assert (first["value"], first["rounds"], first["n"]) == (1.1, [1.0, 1.2, 1.1], 7)
    assert (second["value"], second["reason"]) == (None, "it is not here")
    assert str(results.ROOT) not in json.dumps(found)


def test_two_runs_are_compared_by_their_spreads(tmp_path: Path) -> None:
    runs = {"first": [1.0, 1.1, 1.2], "near": [1.15, 1.1, 1.2], "far": [9.0, 9.0, 9.0]}
    for folder, rounds in runs.items():
        report = Report("bench/rebind.py")
        report.add("a ratio", "ratio", rounds)
        report.write(tmp_path / folder / "rebind.json")
    assert agree.compare(tmp_path / "first", tmp_path / "near") == agree.Agreement(1, {}, [])
    far = agree.compare(tmp_path / "first", tmp_path / "far")
    assert far.count == 1
    assert far.outside[0].startswith("rebind: a ratio: 9.00 is not in")


def test_times_and_rates_of_two_runs_are_compared_at_one_speed(tmp_path: Path) -> None:
    """The second machine is half as fast, and one of its times has become ten times as long."""
    for folder, slower in (("first", 1.0), ("second", 2.0)):
        report = Report("bench/rebind.py")
        for name in ("a time", "another time"):
            report.add(name, "ms", [slower * each for each in (10.0, 11.0, 12.0)])
        report.add("a rate", "texts/s", [each / slower for each in (10.0, 11.0, 12.0)])
        report.add("a long time", "s", [10 ** (slower - 1) * each for each in (10.0, 11.0, 12.0)])
        report.add("memory", "MiB", [slower * each for each in (10.0, 11.0, 12.0)])
        report.write(tmp_path / folder / "rebind.json")
    found = agree.compare(tmp_path / "first", tmp_path / "second")
    assert found.slower == {"rebind": pytest.approx(2.0, rel=1e-3)}
    assert [line.split(": ")[1] for line in found.outside] == ["a long time", "memory"]


def test_runs_that_have_little_in_common_say_what(tmp_path: Path) -> None:
    for folder, script, revision, cores in (
        ("first", "rebind", "a", 2),
        ("second", "rebind", "b", 4),
        ("second", "gate", "b", 4),
    ):
        report = Report(f"bench/{script}.py")
        report.add("a time", "ms", [0.0, 0.0] if folder == "second" else [1.0, 1.0])
        written = report.as_json()
        written["revision"], written["machine"]["cores"] = revision, cores
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{script}.json").write_text(json.dumps(written), encoding="utf-8")
    first, second = tmp_path / "first", tmp_path / "second"
    assert agree.differences(first, first) == []
    assert agree.differences(first, second) == [
        "only one of the runs has gate",
        "the other run has cores 4, and not 2",
        "the other run has revision b, and not a",
    ]
    assert agree.compare(first, second).slower == {}  # a time of zero tells no speed


@pytest.mark.parametrize("name", ["missing", "empty", "damaged"])
def test_a_folder_without_results_agrees_with_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("empty", "damaged"):
        (tmp_path / folder).mkdir()
    (tmp_path / "damaged" / "gate.json").write_text('{"results": [', encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["agree.py", str(tmp_path / name)])
    with pytest.raises(SystemExit, match=name):
        agree.main()
