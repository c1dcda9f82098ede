"""`omnisearch bench plan`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from omnisearch.cli.bench import app
from omnisearch.errors import UsageError


def plan(*arguments: str) -> Any:
    done = CliRunner().invoke(app, ["plan", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_plan_has_every_figure_and_the_origin_of_every_constant() -> None:
    found = json.loads(plan("--items", "5e6", "--mix", "photos", "--hardware", "cloud", "--format", "json"))
    assert (found["items"], found["mix"], found["hardware"]) == (5e6, "photos", "cloud")
    assert found["estimate"]["points"] > 0
    assert found["estimate"]["indexing"] > 0
    assert {"photo.decode", "graph.links", "disk.price"} <= set(found["constants"])
    assert all(bool(each["measured"]) != bool(each["assumed"]) for each in found["constants"].values())


def test_more_items_cost_more_and_the_table_says_how() -> None:
    few, many = (json.loads(plan("--items", n, "--format", "json"))["estimate"] for n in ("1e6", "1e7"))
    assert many["processors"] > 9 * few["processors"]
    text = plan("--items", "1e6", "--format", "table")
    assert "of a first run; it waits for the cores" in text
    assert "assumed:" in text


def test_an_unknown_machine_is_a_mistake_of_usage(run_here: Callable[..., Any]) -> None:
    ended = run_here("bench", "plan", "--items", "10", "--hardware", "cloude")
    assert ended.returncode == 2
    assert "did you mean 'cloud'" in ended.stderr


@pytest.mark.parametrize("items", ["0", "-1", "nan", "inf", "1e30", "5e6.5", ""])
def test_a_number_of_files_that_nobody_has_is_refused(items: str) -> None:
    done = CliRunner().invoke(app, ["plan", "--items", items], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "--items" in done.stderr


def test_a_plan_has_no_paths() -> None:
    with pytest.raises(UsageError, match="--format paths does not fit here"):
        CliRunner().invoke(app, ["plan", "--items", "5", "--format", "paths"], catch_exceptions=False)
