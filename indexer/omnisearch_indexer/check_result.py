"""The result of one check of an installation or an index."""

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: its name, its state, the finding, and what to do if it is not ok."""

    check: str
    state: CheckState
    value: str
    way_out: str = ""
    exit_code: int = 0
