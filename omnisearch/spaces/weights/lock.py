"""The lock file beside the weights: what the files whose hashes nobody published were when they were first pulled."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from omnisearch.errors import WeightsError

LOCK = "weights.lock"


@dataclass(frozen=True)
class Recorded:
    """A file as it was first seen: its hash, its size in bytes, and where it came from."""

    sha256: str
    size: int
    source: str


def read(folder: Path) -> dict[str, Recorded]:
    """Return what was recorded in a folder of weights, by file name; nothing where no lock file is.

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
        raise WeightsError(f"{path} cannot be read ({error}): restore it, or remove it to record files anew") from None


def record(folder: Path, name: str, entry: Recorded) -> None:
    """Add a file to the lock file, which appears complete or not at all; a recorded file stays as it was recorded."""
    entries = {name: entry} | read(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as fresh:
        partial = Path(fresh) / LOCK
        content = json.dumps({key: asdict(entries[key]) for key in sorted(entries)}, indent=2)
        partial.write_text(content + "\n", encoding="utf-8")
        partial.replace(folder / LOCK)
