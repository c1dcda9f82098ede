"""The entry points of the commands, read without `importlib.metadata`, which takes 40 ms to import."""

import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from omnisearch import __version__

GROUP = "omnisearch.commands"


def own_command(name: str) -> Any:
    """Return a command of this package: a function or a typer app; None if it has none of this name.

    None too if the metadata of this package are not on the path. Then `commands` finds the command.
    """
    place = _places().get(name)
    if place is None:
        return None
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def _places() -> dict[str, str]:
    for folder in sys.path:
        with suppress(OSError):
            text = Path(folder, f"omnisearch-{__version__}.dist-info", "entry_points.txt").read_text(encoding="utf-8")
            lines = text.partition(f"[{GROUP}]\n")[2].partition("\n[")[0].splitlines()
            return {name.strip(): place.strip() for name, _, place in (line.partition("=") for line in lines)}
    return {}
