"""The report of a run: the number of files with each outcome."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from omnisearch.errors import OmnisearchError, Reason
from omnisearch.stores.absent_folders import AbsentFolder
from omnisearch_indexer.enriched import Enriched


class Outcome(StrEnum):
    """The outcome of a file. Every file seen has exactly one."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    PENDING = "pending"  # interrupted, or a dry run


INDEXED = (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED, Outcome.MOVED, Outcome.DUPLICATE)


@dataclass
class Report:
    """Counts of one run. `seen` counts neither `removed` (deleted) files, nor `links`, nor files in `kept` folders.

    `kept` folders hold indexed files that were not found and stay in the index. `partly_read` files are indexed without
    the part that could not be read. `enriched` is what was read of the text and the speech in items, if the run did
    that; `unread` items were never read so. `copied` objects of a store were copied to this machine.
    """

    seen: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    partly_read: int = 0
    removed: int = 0
    links: int = 0
    segments: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    kept: list[AbsentFolder] = field(default_factory=list)
    unread: int = 0
    copied: int = 0
    enriched: Enriched | None = None

    @property
    def indexed(self) -> int:
        """The number of files that a search can find."""
        return sum(self.outcomes[outcome] for outcome in INDEXED)

    @property
    def failed(self) -> int:
        """The number of files that could not be indexed, in this run or an earlier one with the same content."""
        return self.outcomes[Outcome.FAILED]

    @property
    def complete(self) -> bool:
        """Whether every file seen is indexed, and no absent folder was kept."""
        return not self.failed and not self.kept

    def fail(self, reason: Reason) -> None:
        """Count a file that is not indexed."""
        if reason is Reason.UNSUPPORTED_FORMAT:
            self.outcomes[Outcome.UNSUPPORTED] += 1
        else:
            self.outcomes[Outcome.FAILED] += 1
            self.reasons[reason] += 1

    def check(self) -> None:
        """Check that seen = indexed + failed + unsupported + pending.

        Raises:
            OmnisearchError: the sum differs, which is an error in this program.
        """
        if self.seen != self.outcomes.total() or self.failed != self.reasons.total():
            raise OmnisearchError(f"the counts of the report do not add up; please report this: {self.fields()}")

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "seen": self.seen,
            "indexed": self.indexed,
            **{outcome.value: self.outcomes[outcome] for outcome in INDEXED},
            "partly_read": self.partly_read,
            "failed": self.failed,
            "reasons": {reason.value: n for reason, n in sorted(self.reasons.items())},
            "unsupported": self.outcomes[Outcome.UNSUPPORTED],
            "pending": self.outcomes[Outcome.PENDING],
            "removed": self.removed,
            "links": self.links,
            "kept": [asdict(place) for place in self.kept],
            "segments": self.segments,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "unread": self.unread,
            "enriched": None if self.enriched is None else self.enriched.fields(),
        }

    def __str__(self) -> str:
        parts = [f"{self.outcomes[outcome]:,} {outcome}" for outcome in INDEXED if self.outcomes[outcome]]
        text = f"{self.seen:,} files seen: {self.indexed:,} indexed" + (f" ({', '.join(parts)})" if parts else "")
        text += f", {self.partly_read:,} of them partly read" if self.partly_read else ""
        if self.failed:
            reasons = ", ".join(f"{n:,} {reason}" for reason, n in self.reasons.most_common())
            text += f", {self.failed:,} failed ({reasons})"
        for outcome in (Outcome.UNSUPPORTED, Outcome.PENDING):
            if self.outcomes[outcome]:
                text += f", {self.outcomes[outcome]:,} {outcome}"
        text += f"; {self.removed:,} removed" if self.removed else ""
        text += f"; {self.copied:,} objects copied" if self.copied else ""
        text += f"; {self.links:,} links not followed" if self.links else ""
        text = f"{text}; {self.segments:,} segments in {self.seconds:.1f} s"
        return text if self.enriched is None else f"{text}\n{self.enriched}"
