"""Retries: which failed files the next run reads again although nothing about them has changed."""

from omnisearch.errors import Reason

# With these a file was not read at all: what was indexed of it before stays.
UNREAD = frozenset({Reason.VANISHED, Reason.PERMISSION, Reason.UNREADABLE})
# These say nothing about a file's content: every run tries again.
PASSING = UNREAD | {Reason.CHANGING}
# These can be caused by the file, or by the state of the machine (the kernel's OOM killer, a busy disk, memory that
# other programs hold). The file is tried in several runs, then it counts as the cause.
MACHINE = frozenset({Reason.DECODER_CRASHED, Reason.TIMEOUT, Reason.OOM})
RUNS = 3


def is_retried(reason: Reason, runs: int) -> bool:
    """Whether the next run reads a file again that failed for `reason` in `runs` runs, the last one included."""
    return reason in PASSING or (reason in MACHINE and runs < RUNS)
