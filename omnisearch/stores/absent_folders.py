"""Absent folders, as a JSON file: their files stay in the index although the last run did not find them.

The indexer writes it; every command that shows an index may read it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from omnisearch.durable import replace_file

KEPT_FILE = "kept.json"


@dataclass(frozen=True)
class AbsentFolder:
    """A file or folder. `path` is written as by `show_path`, `files` counts the kept files, `why` is the reason."""

    path: str
    files: int
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}. {self.files:,} indexed files below it were not found and stay in the index"

    @property
    def way_out(self) -> str:
        """The advice to the user."""
        import shlex

        command = f"omnisearch index --prune {shlex.quote(self.path)}"
        return f"mount or restore it and run `omnisearch index PATH...` again, or run `{command}` to remove them"


def read_absent_folders(data_dir: Path) -> list[AbsentFolder]:
    """Read the absent folders. A missing or malformed file counts as empty: the next run writes it."""
    try:
        return [AbsentFolder(**row) for row in json.loads((data_dir / KEPT_FILE).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def write_absent_folders(data_dir: Path, places: Sequence[AbsentFolder]) -> None:
    """Replace the file; readers see the old or the new one."""
    if places or (data_dir / KEPT_FILE).exists():
        replace_file(data_dir / KEPT_FILE, json.dumps([asdict(place) for place in places], indent=1))
