"""What the documents promise is there: commands, flags, keys, codes, variables, files."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import omnisearch
from omnisearch import errors
from omnisearch.api import drain
from omnisearch.api.errors import CODES
from omnisearch.config import Settings, declared
from omnisearch.search.present.hit_json import hit_json
from omnisearch.types import Hit, Match, Modality, Segment
from omnisearch_indexer.session import index_files
from omnisearch_training.datasets import DECLARATIONS
from tests import render_docs

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("training/**/*.md")])
PAGES += sorted(ROOT.glob("omnisearch/models/*/README.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = dict(render_docs.commands())
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def calls(text: str) -> Iterator[str]:
    """Every `omnisearch ...` that stands in a block or between backticks."""
    blocks = [body for _, body in FENCE.findall(text)]
    blocks += re.findall(r"^ {4}\S.*$", text, re.MULTILINE)
    rest = FENCE.sub("", text)
    for line in [*"\n".join(blocks).splitlines(), *re.findall(r"`([^`\n]+)`", rest)]:
        match = re.search(r"(?:^|[\s/])omnisearch ([a-z].*)", line.split(" #")[0])
        if match and "import" not in line:
            yield match[1].replace("\\|", "|")


def words_of(call: str) -> list[str]:
    """The words of a command line; a documented alternative such as `ls|pull` is one word."""
    try:
        return shlex.split(call)
    except ValueError:
        return call.split()


def problems(call: str) -> list[str]:
    """What a command line names that is not there."""
    first, *rest = words_of(call)
    name = f"omnisearch {first}"
    if name in COMMANDS:
        named = [name]
    elif not any(known.startswith(f"{name} ") for known in COMMANDS):
        return [f"no command {name}"]
    else:
        named = [f"{name} {below}" for below in rest[0].split("|")] if rest and rest[0] != "..." else []
    flags = {word.split("=")[0] for word in rest if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
    found = [f"no command {each}" for each in named if each not in COMMANDS]
    for each in set(named) & set(COMMANDS):
        known = {flag for param in COMMANDS[each].params for flag in (*param.opts, *param.secondary_opts)}
        found += [f"{each} has no {flag}" for flag in sorted(flags - known - {"--help", "-h"})]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_flag_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [(call, found) for call in calls(text) if (found := problems(call))] == []


def test_a_wrong_command_or_flag_would_be_seen() -> None:
    text = "`omnisearch find x`, `omnisearch models burn`\n```sh\n.venv/bin/omnisearch search dog --colour\n```\n"
    assert [problem for call in calls(text) for problem in problems(call)] == [
        "omnisearch search has no --colour",
        "no command omnisearch find",
        "no command omnisearch models burn",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_in_backticks_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(
        r"\b(?:bench|tests|training|docs|omnisearch|indexer|web)/[\w./-]+\.(?:py|toml|sh|md|json)\b", text
    )
    assert [name for name in named if not (ROOT / name).exists() and not (page.parent / name).exists()] == []


@pytest.mark.parametrize("name", render_docs.PAGES)
def test_rendered_pages_are_fresh(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == render_docs.PAGES[name](), f"docs/{name} is stale: run `make docs`"


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([\w.]+)\)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in (ROOT / "docs").iterdir() if page.is_file()} - {"README.md"}


def run_example(page: str, hashed_model: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the one Python example of a page where three sounds of noise are indexed; return the names that it leaves."""
    from tests.indexer.conftest import write_sound

    (example,) = [body for language, body in FENCE.findall((ROOT / page).read_text("utf-8")) if language == "python"]
    media = [write_sound(place / name, seed=n) for n, name in enumerate(("bark.wav", "growl.wav", "meow.wav"))]
    monkeypatch.chdir(place)
    monkeypatch.setenv("OMNISEARCH_MODEL", str(hashed_model))
    index_files(media, Settings(), retry_failed=False, hidden=False)
    names: dict[str, Any] = {}
    exec(compile(example, page, "exec"), names)
    return names


def test_the_python_example_runs(hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hit,) = run_example("README.md", hashed_model, tmp_path, monkeypatch)["answer"].hits
    assert hit.path in {str(tmp_path / name) for name in ("growl.wav", "meow.wav")}
    assert len(hit.duplicates) == 1


def test_the_examples_of_the_algebra_run(hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = run_example("docs/search.md", hashed_model, tmp_path, monkeypatch)["both"]
    assert [len(answer.hits) for answer in both] == [0, 1]  # no sound is long enough for one thing after another
    assert len(both[1].hits[0].duplicates) == 2


def test_names_imported_in_examples_exist() -> None:
    for page in PAGES:
        for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
            for node in ast.walk(ast.parse(body)) if language == "python" else ():
                if isinstance(node, ast.ImportFrom) and node.module == "omnisearch":
                    assert {alias.name for alias in node.names} <= set(omnisearch.__all__)


def example_hits() -> list[Any]:
    found = []
    for page in (ROOT / "README.md", ROOT / "docs" / "api.md"):
        for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
            shown = json.loads(body) if language == "json" else {}
            found += shown.get("hits", [shown] if "matched_by" in shown else [])
    return found


def test_hits_are_shown_as_they_are() -> None:
    segment = Segment(0, 8.0, 18.0, "seconds")
    hit = Hit("1", "/a", Modality.AUDIO, 0.3, 0.9, segment, (Match("a dog", 1.0, 0.3),))
    real = hit_json(hit)
    assert len(example_hits()) == 2
    for shown in example_hits():
        assert shown.keys() - {"placeholder", "aspect"} == real.keys()  # which only a server adds
        assert shown["matched_by"][0].keys() == real["matched_by"][0].keys()
        assert shown["segment"] is None or shown["segment"].keys() == real["segment"].keys()


def error_classes(root: type[errors.OmnisearchError] = errors.OmnisearchError) -> set[type[errors.OmnisearchError]]:
    return {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, root)}


def test_exit_codes_are_those_of_the_code() -> None:
    real = {0, errors.INTERRUPTED, errors.SOME_FAILED, *(each.exit_code for each in error_classes())}
    assert {int(code) for code in re.findall(r"(?:: |, )(\d+) [a-z]", render_docs.EXIT_CODES)} == real
    assert render_docs.EXIT_CODES in " ".join(README.split())


def test_every_reason_is_explained() -> None:
    text = (ROOT / "docs" / "indexing.md").read_text(encoding="utf-8")
    table = text.split("## Reasons")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [str(reason) for reason in errors.Reason]


def test_every_error_code_of_the_api_is_listed() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| (.*?) \|", text, re.MULTILINE)
    listed = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    ours = {(each.status, each("x").code) for each in error_classes(errors.UsageError)}
    ours |= {(each.status, each("x").code) for each in error_classes(errors.NotReadyError)}
    assert set(CODES.items()) <= listed
    known = (
        ours
        | set(CODES.items())
        | {(503, drain.CODE)}
        | {(each.status, each("x").code) for each in error_classes() - {errors.MediaError}}
    )
    assert listed - known == {(422, str(errors.Reason.DECODE_ERROR))}


def test_variables_are_those_of_the_settings() -> None:
    real = {f"OMNISEARCH_{name.upper()}" for name in declared(Settings)} | {"OMNISEARCH_DATASETS_DIR"}
    named = {name for page in PAGES for name in re.findall(r"OMNISEARCH_[A-Z_]+", page.read_text(encoding="utf-8"))}
    assert named == real


def test_the_table_of_datasets_is_the_declared_one() -> None:
    text = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert {row[0] for row in rows} == set(DECLARATIONS)
    for name, records, *splits in rows:
        assert sum(map(int, splits)) == int(records)
        assert abs(int(records) - DECLARATIONS[name].expected) <= DECLARATIONS[name].tolerance * int(records)


def numbers(row: str) -> list[str]:
    return re.findall(r"(?<![\w.@])\d+(?:\.\d+)?(?![\w.])", row)


def test_measured_numbers_are_those_of_the_report() -> None:
    report = (ROOT / "training" / "runs" / "mini.md").read_text(encoding="utf-8")
    known = [set(numbers(line)) for line in report.splitlines() if line.startswith("|")]
    table = README.split("## What was measured")[1].split("| direction |")[1].split("\n\n")[0]
    rows = [numbers(row.split("|", 2)[2]) for row in table.splitlines()[2:]]
    assert len(rows) == 10
    assert [row for row in rows if not any(set(row) <= line for line in known)] == []
