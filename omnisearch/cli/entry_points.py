"""The entry points of the commands, read without `importlib.metadata`, which takes 40 ms to import."""

import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from omnisearch import __version__

GROUP = "omnisearch.commands"


def own_command(name: str) -> Any:
    """Return the command of this package with this name: a function or a typer app; None if there is none.

    Also None if the metadata of this package are not on the path. Then `commands.build` finds the command.
    """
    target = _targets().get(name)
    if target is None:
        return None
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _targets() -> dict[str, str]:
    """Return MODULE:ATTRIBUTE of each command by its name."""
    for folder in sys.path:
        with suppress(OSError):
            text = Path(folder, f"omnisearch-{__version__}.dist-info", "entry_points.txt").read_text(encoding="utf-8")
            lines = text.partition(f"[{GROUP}]\n")[2].partition("\n[")[0].splitlines()
            return {name.strip(): target.strip() for name, _, target in (line.partition("=") for line in lines)}
    return {}
