"""A command line that is parsed without typer gives a command what typer gives it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from typer.main import get_command

from omnisearch.cli import kept_flags
from omnisearch.cli.entry_points import own_command
from omnisearch.cli.parameters import Argument, Option, Parameter, parameters
from omnisearch.cli.plain import parse_plainly
from omnisearch.cli.typer_app import CommandGroup

COMMANDS = (
    "index",
    "enrich",
    "status",
    "errors",
    "search",
    "locate",
    "verify",
    "repair",
    "duplicates",
    "export",
    "worker",
)
TEXTS = [
    "a",
    "./a b",
    "é",
    "",
    "0",
    "1",
    "7",
    "100",
    "101",
    "3.5",
    "1e3",
    "nan",
    " 7 ",
    "a=b",
    "-",
    "+",
    "x,y",
    "table",
    "json",
    "local",
]
ODD = ["--help", "-h", "--nonsense", "-x", "--", "-0", "-k5", "-k", "--no-gps=1", "--prune=", "-7", "--dataa"]


def by_typer(command: Callable[..., Any], words: list[str]) -> dict[str, Any]:
    """Return the values that typer gives the parameters. Raises the error of typer if the line has a mistake."""
    app = CommandGroup()
    app.command("command")(command)
    given = get_command(app).make_context("command", list(words)).params
    declared = {one.name: one.default for one in parameters(command) or ()}
    return {name: declared[name] if value == () else value for name, value in given.items()}


def texts_of(one: Parameter) -> list[str]:
    members = list(one.kind) if isinstance(one.kind, type) and hasattr(one.kind, "__members__") else []
    literals = [text for text in get_args(one.kind) if isinstance(text, str)] if get_origin(one.kind) is Literal else []
    return [*map(str, members), *literals, *TEXTS]


def line(command: Callable[..., Any], dice: random.Random) -> list[str]:
    words: list[str] = []
    for one in parameters(command) or ():
        if isinstance(one.declared, Argument):
            words += dice.choices(TEXTS, k=dice.choice([0, 1, 1, 1, 2]))
            continue
        for _ in range(dice.choices([0, 1, 2], [80, 15, 5])[0]):
            name, text = dice.choice((*one.on, *one.off)), dice.choice(texts_of(one))
            words += [name] if one.kind is bool else [f"{name}={text}"] if dice.random() < 0.3 else [name, text]
    if dice.random() < 0.2:
        words.insert(dice.randrange(len(words) + 1), dice.choice(ODD))
    return words


@pytest.mark.parametrize("name", COMMANDS)
def test_every_plain_line_is_read_as_by_typer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command, dice, plain = own_command(name), random.Random(name), 0
    for _ in range(100):
        words = line(command, dice)
        monkeypatch.setattr(kept_flags, "_flags", {"--model": "before"})
        ours = parse_plainly(command, words)
        kept = dict(kept_flags.kept_flags())
        if ours is None:
            assert kept == {"--model": "before"}
            continue
        plain += 1
        monkeypatch.setattr(kept_flags, "_flags", {"--model": "before"})
        assert (dict(ours), kept) == (by_typer(command, words), dict(kept_flags.kept_flags())), words
    assert plain > 10


@pytest.mark.parametrize(
    "line",
    ["", "--help", "a --nonsense", "a --tag", "a --prune=1", "a --poll 0.5", "a --workers x", "a --engine gpu",
     "a --data-dir=", "a --tag -x", "a -p", "a --pru"],
)  # fmt: skip
def test_other_lines_are_left_to_typer(line: str) -> None:
    assert parse_plainly(own_command("index"), line.split()) is None


def test_a_line_is_parsed() -> None:
    words = ["a", "b", "--tag", "x", "--tag=y", "--no-gps", "--poll", "2.5", "--data-dir", "d", "--", "--prune"]
    given = parse_plainly(own_command("index"), words)
    assert given is not None
    assert (given["places"], given["tag"], given["gps"], given["poll"]) == (
        ["a", "b", "--prune"],
        ["x", "y"],
        False,
        2.5,
    )
    assert (given["data_dir"], given["prune"], given["include"]) == (Path("d"), False, None)
    assert kept_flags.kept_flags()["--data-dir"] == "d"
    kept_flags.forget_flags()


def test_a_command_with_other_declarations_is_left_to_typer() -> None:
    def command(name: str) -> None: ...

    assert parameters(command) is None
    assert parse_plainly(command, ["a"]) is None


def test_options_have_the_names_that_typer_gives_them() -> None:
    for name in COMMANDS:
        app = CommandGroup()
        app.command("command")(own_command(name))
        theirs = {one.name: (set(one.opts), set(one.secondary_opts)) for one in get_command(app).params}
        for one in parameters(own_command(name)) or ():
            if isinstance(one.declared, Option):
                assert theirs[one.name] == (set(one.on), set(one.off)), (name, one.name)
