"""Retries: how often a run tries a content, and which unchanged failed files the next run reads again."""

from omnisearch.errors import Reason

# The file could not be opened, read or copied: its indexed content stays.
UNREAD = frozenset({Reason.VANISHED, Reason.PERMISSION, Reason.UNREADABLE, Reason.NOT_COPIED})
# These reasons do not depend on the content: every run tries again.
PASSING = UNREAD | {Reason.CHANGING}
# The cause may be the file or the machine (the kernel's OOM killer, a busy disk, memory that other programs hold).
# Several runs try the file; then it counts as the cause.
MACHINE = frozenset({Reason.DECODER_CRASHED, Reason.TIMEOUT, Reason.OOM})
RUNS = 3
# The content may not be the cause of a crash. If a second process ends while it works on the same content, it is.
CRASHES = 2


def is_retried(reason: Reason, runs: int) -> bool:
    """Whether the next run reads a failed file again; `runs` counts the failed runs, the last one included."""
    return reason in PASSING or (reason in MACHINE and runs < RUNS)
