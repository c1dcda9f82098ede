"""The flags with which the running command was told its index, such as --data-dir."""

from collections.abc import Mapping
from pathlib import Path

_flags: dict[str, str] = {}


def keep_flag(flag: str, value: Path | str | None) -> None:
    """Keep the value of a flag; None if it was not given."""
    _flags.pop(flag, None)
    if value is not None:
        _flags[flag] = str(value)


def forget_flags() -> None:
    """Forget the flags of an earlier command of this process."""
    _flags.clear()


def kept_flags() -> Mapping[str, str]:
    """Return the values of the given flags, by their names."""
    return _flags
