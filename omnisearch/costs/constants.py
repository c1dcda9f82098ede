"""The constants of the cost model: a file of values, of which `bench/costs.py` rewrites the measured ones."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from omnisearch.durable import replace_file

FILE = Path(__file__).with_name("constants.json")


@dataclass(frozen=True)
class Measurement:
    """How a constant was measured: the command, the day, the machine, and the sample."""

    command: str
    day: str
    machine: str
    sample: str


@dataclass(frozen=True)
class Constant:
    """A number of the cost model: either measured, or assumed for the reason in `assumed`."""

    value: float
    unit: str
    about: str
    measured: Measurement | None = None
    assumed: str | None = None

    def __post_init__(self) -> None:
        if (self.measured is None) == (self.assumed is None):
            raise ValueError(f"a constant is either measured or assumed, and this is not: {self.about}")

    @property
    def origin(self) -> str:
        """Say where the value comes from."""
        if self.measured is None:
            return f"assumed: {self.assumed}"
        how = self.measured
        return f"measured: `{how.command}`, {how.sample}, {how.day}, {how.machine}"


class Constants:
    """The constants by name. `used` are the names of those that were asked for, in that order."""

    def __init__(self, values: Mapping[str, Constant]) -> None:
        self._values = dict(values)
        self._used: dict[str, None] = {}

    def __getitem__(self, name: str) -> float:
        """Return the value of a constant."""
        self._used.setdefault(name)
        return self._values[name].value

    @property
    def all(self) -> Mapping[str, Constant]:
        """Every declared constant."""
        return self._values

    @property
    def used(self) -> dict[str, Constant]:
        """The constants that were asked for."""
        return {name: self._values[name] for name in self._used}


def load() -> Constants:
    """Read the constants."""
    return Constants(_read(FILE.read_text("utf-8")))


def record(values: Mapping[str, float], how: Measurement, file: Path = FILE) -> None:
    """Write measured values to the file of constants, which declares their units.

    Raises:
        KeyError: a name is not declared.
    """
    declared = json.loads(file.read_text("utf-8"))
    for name, value in values.items():
        kept = {key: declared[name][key] for key in ("unit", "about")}
        declared[name] = {"value": float(f"{value:.3g}"), **kept, "measured": asdict(how)}
    replace_file(file, json.dumps(declared, indent=1, ensure_ascii=False) + "\n")


@lru_cache(maxsize=2)
def _read(text: str) -> Mapping[str, Constant]:
    rows: dict[str, Any] = json.loads(text)
    return TypeAdapter(dict[str, Constant]).validate_python(rows)
