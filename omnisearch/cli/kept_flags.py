"""The flags of the present command that chose its index."""

from collections.abc import Mapping
from pathlib import Path

_flags: dict[str, str] = {}


def keep_flag(flag: str, value: Path | str | None) -> None:
    """Note the value of a flag, or that it was not given."""
    _flags.pop(flag, None)
    if value is not None:
        _flags[flag] = str(value)


def forget_flags() -> None:
    """Forget the flags of an earlier command of this process."""
    _flags.clear()


def kept_flags() -> Mapping[str, str]:
    """Return the flags with their values."""
    return _flags
