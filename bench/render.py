"""Write docs/benchmarks.md from bench/results/*.json and bench/claims.toml: python bench/render.py

The heading and the text of a section are the docstring of its script, and its figures are those of the script's JSON.
"""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.agree import compare
from bench.recorded import AGAIN, BEFORE, RESULTS, documents, figures, number, script_of
from bench.results import ROOT

CLAIMS = ROOT / "bench" / "claims.toml"
PAGE = ROOT / "docs" / "benchmarks.md"
WEAKEST = 3
INTRODUCTION = """# Benchmarks

Made by `make bench` from `bench/results/*.json`; no figure is typed by hand. `make docs` makes the page again from the
same files.

A figure is the median of its rounds. A round of a comparison measures both sides, one after the other, so that a busy
machine slows both: the ratios hold on other machines, the times only on this one. If a second run has as many rounds,
and they vary as these did, its value lies in `low to high` in 95 of 100 cases (Student's t on the logarithms).
`python bench/agree.py OTHER` compares the results with those of another run, in the folder OTHER: ratios, sizes and
memory as they are, times and rates after the factor by which the machine was slower throughout is divided out."""


def claims() -> list[dict[str, str]]:
    """Return the claims of the README: text, command, and the figure if there is one."""
    declared: list[dict[str, str]] = tomllib.loads(CLAIMS.read_text(encoding="utf-8"))["claim"]
    return declared


def render(folder: Path = RESULTS, before: Path = BEFORE, again: Path = AGAIN) -> str:
    """Return the page. `before` has results of an earlier revision, `again` those of a second run."""
    runs = documents(folder)
    parts = [INTRODUCTION, _machines(runs), _again(folder, again), _weakest(runs), _changed(documents(before), runs)]
    for script, run in runs.items():
        parts += [_section(script), _run(run), _table(COLUMNS, (_row(each) for each in run["results"]))]
    parts += ["## The claims of the README", _claims(figures(runs))]
    return "\n\n".join(part for part in parts if part) + "\n"


COLUMNS = ("figure", "value", "low to high", "rounds of n", "against")


def _row(result: dict[str, Any]) -> tuple[str, ...]:
    peer = f"{result['peer']} {result['peer_version']}".strip()
    if not result["rounds"]:
        return result["name"], "not measured", "", "", f"{peer}: {result['reason']}" if peer else result["reason"]
    ends = f"{number(result['low'])} to {number(result['high'])}"
    return result["name"], shown(result), ends, f"{len(result['rounds'])} of {result['n']:,}", peer


def shown(result: dict[str, Any]) -> str:
    """Return the value of a result with its unit."""
    return number(result["value"]) + ("" if result["unit"] == "ratio" else f" {result['unit']}")


def _section(script: str) -> str:
    """Return the heading and the text of a script: its docstring, whose first line ends with the command."""
    source = (ROOT / "bench" / f"{script}.py").read_text(encoding="utf-8")
    first, _, rest = inspect.cleandoc(ast.get_docstring(ast.parse(source)) or "").partition("\n\n")
    title = re.split(r": (?=[A-Z_]*=?\S* ?python )", first)[0].removesuffix(".")
    return f"## {title}\n\n{rest}".rstrip()


def _run(run: dict[str, Any]) -> str:
    took = f"{_duration(run['seconds'])}, of a processor {_duration(run['cpu_seconds'])}"
    return f"`{run['command']}`: {took}; {run['date']}, revision {run['revision']}."


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _machines(runs: dict[str, dict[str, Any]]) -> str:
    """Return a line for each machine and set of packages, with the scripts that ran there."""
    known: dict[str, list[str]] = {}
    for script, run in runs.items():
        known.setdefault(_machine(run["machine"]), []).append(f"{script} ({run['machine']['load']})")
    lines = [
        f"- {machine}. Load of the machine when a script started: {', '.join(names)}."
        for machine, names in known.items()
    ]
    whole = sum(run["seconds"] for run in runs.values())
    return "\n".join(lines) + (f"\n\nThe scripts took {_duration(whole)} together." if runs else "")


def _machine(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, {packages}"
    )


def _again(folder: Path, again: Path) -> str:
    """Return what a second run shows; nothing if there is none."""
    found = compare(folder, again)
    if not found.count:
        return ""
    runs = documents(again).values()
    dates, revisions = sorted(run["date"] for run in runs), dict.fromkeys(run["revision"] for run in runs)
    slower = ", ".join(f"{script} {factor:.2f}" for script, factor in found.slower.items())
    heading = (
        "## A second run\n\n"
        f"`make bench RESULTS=bench/again` measured all figures again, from {dates[0]} to {dates[-1]} "
        f"(revision {', '.join(revisions)}). {len(found.outside)} of {found.count} values lie outside of the spread of "
        f"the first run; five in a hundred are expected. The second run took this many times as long, which is divided "
        f"out of times and rates: {slower}."
    )
    return "\n".join([heading, *([""] if found.outside else []), *(f"- {line}" for line in found.outside)])


def worse_than_peer(result: dict[str, Any]) -> float:
    """Return the ratio as a factor by which omnisearch is worse than its peer: below 1, it is better."""
    value: float = result["value"]
    return value if result["better"] == "lower" else 1 / value


def weakest(runs: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return the WEAKEST worst ratios against a peer, at most one of each script, the worst first."""
    compared = [
        (name, each)
        for name, each in figures(runs).items()
        if each["unit"] == "ratio" and each["peer"] and each["rounds"] and not name.startswith("gate: ")
    ]
    compared.sort(key=lambda pair: worse_than_peer(pair[1]))
    of_each = {script_of(name): (name, each) for name, each in compared}  # the worst comes last
    return sorted(of_each.values(), key=lambda pair: -worse_than_peer(pair[1]))[:WEAKEST]


def _weakest(runs: dict[str, dict[str, Any]]) -> str:
    rows = (
        (name, number(each["value"]), f"{each['peer']} {each['peer_version']}".strip(), number(worse_than_peer(each)))
        for name, each in weakest(runs)
    )
    heading = "## The weakest ratios\n\nThe worst ratio of a section, for the worst sections.\n\n"
    return heading + _table(("figure", "value", "against", "times worse"), rows)


def _changed(before: dict[str, dict[str, Any]], runs: dict[str, dict[str, Any]]) -> str:
    """Return the table of the ratios of an earlier revision beside those of now; nothing if there are none."""
    now, was = figures(runs), figures(before)
    rows = [
        (name, number(each["value"]), number(now[name]["value"]), f"{each['peer']} {each['peer_version']}".strip())
        for name, each in was.items()
        if each["unit"] == "ratio" and each["rounds"] and name in now and now[name]["rounds"]
    ]
    revisions = ", ".join(dict.fromkeys(run["revision"] for run in before.values()))
    heading = (
        "## Before and after\n\nThe ratios of scripts whose figures were to become better, at an earlier revision "
        f"({revisions}) and now. The sections of these scripts list what the figures consist of.\n\n"
    )
    return heading + _table(("figure", "before", "now", "against"), rows) if rows else ""


def _claims(known: dict[str, dict[str, Any]]) -> str:
    rows = (
        (
            _from_docs(claim["text"]),
            f"`{claim['command']}`",
            shown(known[claim["figure"]]) if claim.get("figure") in known else "",
        )
        for claim in claims()
    )
    return _table(("claim", "command", "measured"), rows)


def _from_docs(text: str) -> str:
    """Return a text of the README with links that lead from docs/ to the same files."""
    return re.sub(r"\]\((?![a-z]+://)(docs/)?", lambda link: "](" if link[1] else "](../", text)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(head)
    cells = (names, ("---",) * len(names), *rows)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells
    )


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
