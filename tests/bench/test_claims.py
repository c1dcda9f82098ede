"""The claims of the README have commands that exist, and no measured figure of the README is without one."""

import re

import pytest

from bench import recorded, render
from tests.bench.commands import missing
from tests.test_docs import FENCE, README

CLAIMS = render.claims()
FIGURE = re.compile(r"\d[\d.,]*\s(?:MB|GB|ms|s|min|%|times)(?![\w])")


def one_line(text: str) -> str:
    return " ".join(text.split())


def unclaimed(readme: str, claims: list[str]) -> list[str]:
    """The figures with a unit that stand in no claim; those in blocks of code are counted by their comments."""
    rest = one_line(readme)
    for claim in claims:
        rest = rest.replace(claim, "")
    return FIGURE.findall(rest)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["text"][:40])
def test_a_claim_stands_in_the_readme_and_its_command_exists(claim: dict[str, str]) -> None:
    assert claim["text"] in one_line(README)
    assert missing(claim["command"]) == []


def test_every_measured_figure_of_the_readme_has_a_claim() -> None:
    assert unclaimed(README, [claim["text"] for claim in CLAIMS]) == []


def test_a_figure_without_a_claim_would_be_seen() -> None:
    text = "It takes 62 s, and\n17 ms more. The file has 5 lines."
    assert unclaimed(text, ["takes 62 s"]) == ["17 ms"]


def test_every_figure_of_a_claim_is_one_that_a_script_of_the_page_makes() -> None:
    known = recorded.figures(recorded.documents())
    ran = {name.partition(": ")[0] for name in known}
    named = [claim["figure"] for claim in CLAIMS if "figure" in claim]
    assert {name.partition(": ")[0] for name in named} <= set(recorded.SCRIPTS)
    assert [name for name in named if name.partition(": ")[0] in ran and name not in known] == []


def test_a_command_that_does_not_exist_is_seen() -> None:
    assert missing("make demo && OMP_NUM_THREADS=2 python bench/indexing.py --scale 0.1") == []
    assert missing("make gold") == ["no target gold"]
    assert missing("python bench/indexing.py --speed 9") == ["bench/indexing.py has no --speed"]
    assert missing("python bench/nothing.py") == ["no file bench/nothing.py"]
    assert missing("python -m pytest tests/test_nothing.py") == ["no file tests/test_nothing.py"]
    assert missing("omnisearch find x") == ["no command omnisearch find"]
    assert FENCE.search(README)
