"""The report of a run of `omnisearch enrich`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Enriched:
    """Counts of one run, in items. `with_text` items have text in their pictures or speech in their sound.

    `failed` items were read without success; a note in `omnisearch errors --all` says why. `skipped` items have no
    readable file now: the next `omnisearch index` decides about them. `left` items were not reached.
    """

    read: int = 0
    with_text: int = 0
    failed: int = 0
    skipped: int = 0
    left: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {**vars(self), "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        text = f"{self.read:,} items read, {self.with_text:,} of them with text or speech"
        text += f", {self.failed:,} failed" if self.failed else ""
        text += f", {self.skipped:,} without a readable file" if self.skipped else ""
        text += f", {self.left:,} left" if self.left else ""
        return f"{text}; in {self.seconds:.1f} s"
