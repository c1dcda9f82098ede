"""Index hostile files, or mutants of good ones, and count what became of each: `python -m tests.attacks --help`.

The promises: no file is without a state, no run hangs or ends early, no process but a decoder dies, and good files in
the same folder are indexed.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from omnisearch.config import Settings, load_settings
from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.media.worker_process import Limits
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.session import index_files
from tests.conftest import write_hashed_model
from tests.media import test_documents_hostile, test_hostile, test_images, test_objects_hostile
from tests.media.twins import write_twins
from tests.mutants import mutants

LIMITS = Limits(answer_seconds=20.0, file_seconds=60.0, memory_bytes=2 << 30)


@dataclass
class Outcome:
    """What became of the files of one attack. `broken` names each promise that was not kept, with the file."""

    files: int = 0
    read: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.most_common())
        lines = [f"{self.files:,} files in {self.seconds:.0f} s: {self.read:,} read, the others: {reasons or 'none'}"]
        return "\n".join([*lines, *(f"BROKEN: {promise}" for promise in self.broken)] or lines)


def hostile(folder: Path) -> Outcome:
    """Index every hostile file beside the good twin of every format; each hostile one has a reason of its own list."""
    expected = dict(_hostile_files(folder / "bad"))
    twins = set(write_twins(folder / "good").values())
    settings = _settings(folder)
    outcome = Outcome(files=len(expected) + len(twins))
    begun = time.monotonic()
    index_files([folder / "bad", folder / "good"], settings)
    outcome.seconds = time.monotonic() - begun
    with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
        for path in sorted({*expected, *twins}):
            row = manifest.file(str(path))
            if row is None:
                outcome.broken.append(f"{path} was lost: the index knows nothing about it")
            elif row.reason is None:
                outcome.read += 1
                if path in expected:
                    outcome.broken.append(f"{path} was read")
            else:
                outcome.reasons[row.reason] += 1
                if path in twins or row.reason not in expected[path]:
                    outcome.broken.append(f"{path}: {row.reason} ({row.detail})")
    return outcome


def mutate(folder: Path, count: int, seed: int) -> Outcome:
    """Decode `count` mutants of the good file of every format, and after each format's the good file itself."""
    outcome = Outcome()
    begun = time.monotonic()
    with DecoderPool(_settings(folder), workers=1, limits=LIMITS) as pool:
        for name, twin in write_twins(folder / "good").items():
            for mutant in mutants(twin, folder, count, seed):
                _decode(pool, mutant, outcome)
                mutant.unlink()
            try:
                list(pool.decode(twin).pieces)
            except MediaError as error:
                outcome.broken.append(f"after its mutants, a good {name} is refused: {error}")
    outcome.seconds = time.monotonic() - begun
    return outcome


def _decode(pool: DecoderPool, path: Path, outcome: Outcome) -> None:
    begun = time.monotonic()
    outcome.files += 1
    try:
        list(pool.decode(path).pieces)
        outcome.read += 1
    except MediaError as error:
        outcome.reasons[error.reason] += 1
    except Exception as error:  # any other exception is a crash outside of the decoder
        outcome.broken.append(f"{path.name}: {type(error).__name__}: {error}")
    if time.monotonic() - begun > LIMITS.file_seconds + LIMITS.answer_seconds:
        outcome.broken.append(f"{path.name}: took {time.monotonic() - begun:.0f} seconds")


def _hostile_files(folder: Path) -> Iterator[tuple[Path, set[Reason]]]:
    """Write the hostile files of all suites, each into a folder of its own."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    documents, models = test_documents_hostile.HOSTILE, test_objects_hostile.HOSTILE
    cases = {**test_hostile.HOSTILE, **documents, **models, **test_images.hostile(pictures)}
    for leftover in pictures.iterdir():
        leftover.unlink()
    for number, (name, content, reasons) in enumerate(cases.values()):
        path = folder / f"{number:03}" / name
        path.parent.mkdir()
        made = _content(content, path)
        if made is not None:
            path.write_bytes(made)
        yield path, reasons


def _content(content: object, path: Path) -> bytes | None:
    """The bytes of a case: given, made by a function of the folder, or written by a function of the path (None)."""
    if callable(content):
        made = content(path.parent if content.__module__ == test_objects_hostile.__name__ else path)
        return made if isinstance(made, bytes) else None
    return content.encode() if isinstance(content, str) else bytes(content)  # type: ignore[call-overload,no-any-return]


def _settings(folder: Path) -> Settings:
    return load_settings(model=str(write_hashed_model(folder / "model")), data_dir=folder / "data", workers=2)


def main() -> int:
    """Run the attack that the arguments name; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("attack", choices=("hostile", "mutants"))
    parser.add_argument("--per-format", type=int, default=100, help="mutants of each format (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder).resolve()
        outcome = hostile(place) if asked.attack == "hostile" else mutate(place, asked.per_format, asked.seed)
    print(outcome)  # noqa: T201
    return int(bool(outcome.broken))


if __name__ == "__main__":
    sys.exit(main())
