"""What a value of each kind of setting may be, as text of a variable and as a value of TOML."""

from pathlib import Path
from typing import Any

import pytest

from omnisearch import setting_kinds as kinds
from omnisearch.setting_kinds import Parser, Secret

RIGHT: list[tuple[Parser, Any, Any]] = [
    (kinds.text, "a", "a"),
    (kinds.path, "a/b", Path("a/b")),
    (kinds.folder, Path("/a"), Path("/a")),
    (kinds.secret, "key", Secret("key")),
    (kinds.matching("^[a-z]+$"), "abc", "abc"),
    (kinds.one_of("none", "fast"), "fast", "fast"),
    *((kinds.boolean, given, True) for given in (True, 1, "true", "YES", "on", "1")),
    *((kinds.boolean, given, False) for given in (False, 0, "False", "no", "off", "0")),
    *((kinds.number(1, 2), given, 1.5) for given in (1.5, "1.5", " 1.5 ")),
    (kinds.number(above=0), 1e-9, 1e-9),
    *((kinds.integer(1, 64), given, 3) for given in (3, "3", 3.0)),
    *((kinds.byte_count(), given, 24_000_000_000) for given in (24_000_000_000, "24GB", "24 gb", "24000000000", "24G")),
    (kinds.byte_count(), "1.5KiB", 1536),
    (kinds.byte_count(), "7 B", 7),
    *((kinds.list_of(kinds.text), given, ("a", "b")) for given in (["a", "b"], ("a", "b"), "a, b,")),
    (kinds.optional(kinds.integer(1)), None, None),
    (kinds.optional(kinds.integer(1)), "2", 2),
]
WRONG: list[tuple[Parser, Any, str]] = [
    (kinds.text, 5, "a text"),
    (kinds.path, 5, "a path"),
    (kinds.folder, "", "working directory"),
    (kinds.secret, 5, "^give a text in quotes$"),
    *((kinds.matching("^[a-z]+$"), given, "must match") for given in ("", "A", "a\n")),
    *((kinds.one_of("none", "fast"), given, "none or fast") for given in ("full", None, 1)),
    *((kinds.boolean, given, "true or false") for given in ("maybe", 2, None, [])),
    *((kinds.number(1, 2), given, "at least 1 and of at most 2") for given in (0.9, 2.1, "nan", "x", None, True)),
    (kinds.number(above=0), 0, "above 0"),
    *((kinds.integer(1, 64), given, "a whole number") for given in (0, 65, 1.5, "1.5", "x", None, True, 1e400)),
    *((kinds.byte_count(), given, "such as 24GB") for given in ("24XB", "-1", -1, "", True, None)),
    (kinds.byte_count(1024), "1kB", "at least 1,024 bytes"),
    (kinds.list_of(kinds.text), 5, "a list"),
    (kinds.list_of(kinds.text), [5], "a text"),
    (kinds.optional(kinds.integer(1)), 0, "at least 1"),
]


@pytest.mark.parametrize(("parse", "given", "value"), RIGHT)
def test_a_value_is_parsed_as_its_kind(parse: Parser, given: Any, value: Any) -> None:
    assert parse(given) == value
    assert type(parse(given)) is type(value)


@pytest.mark.parametrize(("parse", "given", "said"), WRONG)
def test_a_value_without_a_meaning_is_refused(parse: Parser, given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(given)


def test_a_secret_is_shown_by_nothing_but_reveal() -> None:
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "s3cret"
    assert secret != Secret("other")
