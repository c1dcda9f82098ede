"""The lock file beside the weights: it records files without a published hash when they are first pulled."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from omnisearch.durable import replace_file
from omnisearch.errors import WeightsError

LOCK = "weights.lock"


@dataclass(frozen=True)
class Recorded:
    """A recorded file: its hash, its size in bytes, and its source."""

    sha256: str
    size: int
    source: str


def read(folder: Path) -> dict[str, Recorded]:
    """Return the recorded files of a folder of weights, by file name; empty if there is no lock file.

    Raises:
        WeightsError: the lock file cannot be read; names it.
    """
    path = folder / LOCK
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: Recorded(**entry) for name, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path} cannot be read ({error}): restore it, or remove it to record the files again"
        ) from None


def record(folder: Path, name: str, entry: Recorded) -> None:
    """Add a file to the lock file, which is replaced atomically; an existing entry is not changed."""
    entries = {name: entry} | read(folder)
    content = json.dumps({key: asdict(entries[key]) for key in sorted(entries)}, indent=2)
    replace_file(folder / LOCK, content + "\n")
