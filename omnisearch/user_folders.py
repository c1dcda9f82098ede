"""The folders of the user for data, cached files and configuration, by the conventions of the system."""

import os
import sys
from pathlib import Path
from typing import Literal

NAME = "omnisearch"
# The variable of each kind of folder, and the folder in the home without it: the XDG Base Directory Specification.
_XDG = {
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "config": ("XDG_CONFIG_HOME", ".config"),
}


def user_folder(kind: Literal["data", "cache", "config"]) -> Path:
    """Return the folder of omnisearch for files of a kind; it need not exist."""
    if sys.platform != "linux":
        import platformdirs

        return Path(getattr(platformdirs, f"user_{kind}_path")(NAME))
    # The result is that of platformdirs, whose import would take 10 ms of every command.
    variable, in_home = _XDG[kind]
    given = os.environ.get(variable, "").strip()
    return Path(given if os.path.isabs(given) else os.path.expanduser(f"~/{in_home}"), NAME)  # noqa: PTH111, PTH117
