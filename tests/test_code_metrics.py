"""What style asks of the code as a whole: no import cycles, every return typed, small files."""

import pytest

from tests.code_metrics import HEAD, cycles, table, untyped


def test_no_module_imports_itself_through_others() -> None:
    assert cycles() == []


def test_every_return_is_typed() -> None:
    assert untyped() == []


@pytest.mark.slow
def test_the_table_has_a_row_for_each_package() -> None:
    rows = table().split("\n\n")[0].splitlines()
    assert len(rows) == 6
    assert {row.count("|") for row in rows} == {len(HEAD) + 1}
