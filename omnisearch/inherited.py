"""Pass settings on to child processes."""

import os
from collections.abc import Mapping

from omnisearch.config import Settings

# The settings that commands take as flags. A child reads all others from the same variables and files as its parent.
FLAGS = ("data_dir", "collection", "model", "store", "device", "share", "max_memory", "license", "read")


def child_environment(settings: Settings) -> Mapping[str, str]:
    """Return the environment that gives a child process the same settings."""
    given = {name: getattr(settings, name) for name in FLAGS} | {"data_dir": settings.data_dir.absolute()}
    return {**os.environ, **{f"OMNISEARCH_{name.upper()}": str(value) for name, value in given.items() if value}}
