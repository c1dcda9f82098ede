"""The results in the repository: their commands exist, their values are those of their rounds, and their page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import recorded, render
from bench.results import FORMAT, Report, significant, spread
from tests.bench.commands import missing
from tests.test_docs import ROOT

RUNS = recorded.documents()


@pytest.mark.parametrize("script", RUNS)
def test_a_file_is_of_its_script_whose_command_exists(script: str) -> None:
    run = RUNS[script]
    assert (run["format"], run["script"]) == (FORMAT, script)
    assert f"python bench/{script}.py" in run["command"]
    assert missing(run["command"]) == []


@pytest.mark.parametrize("script", RUNS)
def test_every_value_is_that_of_its_rounds_and_the_others_say_why(script: str) -> None:
    names = [each["name"] for each in RUNS[script]["results"]]
    assert len(set(names)) == len(names) > 0
    for each in RUNS[script]["results"]:
        if each["rounds"]:
            # The rounds are rounded after the spread was computed from them.
            value, low, high = (significant(number, 3) for number in spread(each["rounds"]))
            assert each["value"] == pytest.approx(value, rel=0.01)
            assert each["low"] == pytest.approx(low, rel=0.02)
            assert each["high"] == pytest.approx(high, rel=0.02)
            assert each["n"] > 0
        else:
            assert each["value"] is None
            assert each["reason"]


def test_make_bench_runs_every_script_of_the_page() -> None:
    recipe = re.search(r"^bench:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe
    ran = re.findall(r"\$\(BENCH\)/(\w+)\.py.*?--json \$\(RESULTS\)/(\w+)\.json", recipe[1])
    assert ran == [(script, script) for script in recorded.SCRIPTS]


def results(folder: Path, script: str = "rebind", **ratios: tuple[float, str]) -> dict[str, dict[str, Any]]:
    report = Report(f"bench/{script}.py")
    for name, (value, better) in ratios.items():
        report.add(name, "ratio", [value], 1, better, "a | peer")  # type: ignore[arg-type]
    report.miss("not here", "ratio", "no registry has it", peer="a peer")
    report.write(folder / f"{script}.json")
    return recorded.documents(folder)


def test_the_weakest_ratios_are_those_that_are_most_times_worse(tmp_path: Path) -> None:
    results(tmp_path, "pairs", fast=(0.1, "lower"), even=(1.0, "lower"))
    results(tmp_path, "search", slow=(4.0, "lower"), good=(9.0, "higher"))
    results(tmp_path, "growth", better=(0.5, "lower"))
    results(tmp_path, "gate", not_counted=(99.0, "lower"))
    runs = results(tmp_path, slow=(4.5, "lower"), idle=(0.2, "higher"))
    assert [name for name, _ in render.weakest(runs)] == ["rebind: idle", "search: slow", "pairs: even"]


def test_a_page_has_what_could_not_be_measured_and_no_broken_row(tmp_path: Path) -> None:
    results(tmp_path, slow=(4.0, "lower"))
    page = render.render(tmp_path)
    assert "| not here | not measured |  |  | a peer: no registry has it |" in page
    assert "| slow | 4.00 | 4.00 to 4.00 | 1 of 1 | a \\| peer |" in page


def test_results_of_an_unlisted_script_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "nothing.json").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(SystemExit, match="nothing"):
        recorded.documents(tmp_path)


def test_numbers_have_three_digits() -> None:
    assert [recorded.number(x) for x in (0.01234, 0.5, 9.996, 17.04, 456.7, 12345.6)] == [
        "0.0123",
        "0.500",
        "10.0",
        "17.0",
        "457",
        "12,300",
    ]


def test_ratios_of_an_earlier_revision_are_shown_beside_those_of_now(tmp_path: Path) -> None:
    now, before = tmp_path / "now", tmp_path / "before"
    for folder, slow in ((now, 2.0), (before, 5.0)):
        folder.mkdir()
        results(folder, slow=(slow, "lower"), **{f"only {folder.name}": (1.0, "lower")})
    section = render.render(now, before).split("## Before and after")[1].split("##")[0]
    rows = [line for line in section.splitlines() if line.startswith("| rebind")]
    assert rows == ["| rebind: slow | 5.00 | 2.00 | a \\| peer |"]
    assert "## Before and after" not in render.render(now, tmp_path / "nowhere")


def test_the_page_says_how_a_second_run_agrees(tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    results(first, same=(2.0, "lower"), other=(2.0, "lower"))
    results(again, same=(2.0, "lower"), other=(3.0, "lower"))
    section = render.render(first, tmp_path / "before", again).split("## A second run")[1].split("##")[0]
    assert "1 of 2 values lie outside" in section
    assert "- rebind: other: 3.00 is not in 2.00 to 2.00" in section
    assert "## A second run" not in render.render(first, tmp_path / "before", tmp_path / "nowhere")
