"""The declared mixes of files and the declared machines, for which costs are estimated."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from omnisearch.errors import UsageError
from omnisearch.wording import did_you_mean

FILE = Path(__file__).with_name("declared.toml")
T = TypeVar("T")


@dataclass(frozen=True)
class Mix:
    """The shares of the kinds of files in a collection; they add up to one."""

    about: str
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        if abs(sum(self.shares.values()) - 1) > 1e-9:
            raise ValueError(f"the shares of the mix {self.about!r} add up to {sum(self.shares.values())}, not to 1")


@dataclass(frozen=True)
class Hardware:
    """A machine that indexes and serves. `price_hour` is in US dollars; None means that you have the machine.

    `graphics` means that its graphics card encodes. `source` says where the price comes from.
    """

    about: str
    cores: int
    memory_gb: float
    price_hour: float | None = None
    graphics: bool = False
    source: str = ""


@dataclass(frozen=True)
class Declared:
    """The declared mixes and machines by name."""

    mixes: Mapping[str, Mix]
    hardware: Mapping[str, Hardware]


@lru_cache(maxsize=1)
def declared() -> Declared:
    """Read the declared mixes and machines."""
    return TypeAdapter(Declared).validate_python(tomllib.loads(FILE.read_text("utf-8")))


def find_mix(name: str) -> Mix:
    """Return a mix by name.

    Raises:
        UsageError: no mix has that name.
    """
    return _find("mix", name, declared().mixes)


def find_hardware(name: str) -> Hardware:
    """Return a machine by name.

    Raises:
        UsageError: no machine has that name.
    """
    return _find("hardware", name, declared().hardware)


def _find(what: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise UsageError(f"--{what} {name!r} is not declared{hint}")
    return known[name]
