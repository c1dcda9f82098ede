"""The options of a search have the same names and defaults in Python, on the command line and over HTTP."""

import inspect
from dataclasses import fields
from typing import Any

from omnisearch.api.expressions import Asking
from omnisearch.api.schemas import SearchIn
from omnisearch.cli.search import search
from omnisearch.query.query import SearchOptions

# What the command line calls by another name, or writes as text.
FLAGS = {"modalities": "within", "quotas": "quota"}
PLAIN = (int, float, bool, str)


def defaults() -> dict[str, Any]:
    return {field.name: field.default for field in fields(SearchOptions)}


def test_http_has_every_option_with_its_default() -> None:
    sent = {name: field.default for name, field in SearchIn.model_fields.items() if name not in Asking.model_fields}
    assert sent.keys() == defaults().keys()
    assert SearchIn.model_validate({"query": {"text": "a dog"}}).to_options() == SearchOptions()


def test_the_command_line_has_every_option_with_its_default() -> None:
    flags = inspect.signature(search).parameters
    for name, default in defaults().items():
        flag = flags[FLAGS.get(name, name)]
        assert flag.default == (default if isinstance(default, PLAIN) else None), name
