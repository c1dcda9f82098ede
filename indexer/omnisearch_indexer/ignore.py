"""The rules of one ignore file, in the syntax of .gitignore."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omnisearch.errors import MediaError, Reason

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".omnisearchignore"
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Rules:
    """The rules of the ignore file in `folder`."""

    folder: str
    spec: "GitIgnoreSpec"

    @classmethod
    def read(cls, folder: str) -> "Rules | None":
        """Read the ignore file of a folder. Returns None if it has none. As in git, a malformed line has no effect.

        Raises:
            MediaError: the file cannot be read, or is larger than MAX_BYTES.
            OSError: the system failed while reading it.
        """
        from omnisearch.media.file import open_file

        try:
            fd = open_file(Path(folder, IGNORE_FILE))
        except MediaError as error:
            if error.reason in (Reason.VANISHED, Reason.EMPTY, Reason.NOT_REGULAR):
                return None
            raise MediaError(error.reason, f"{IGNORE_FILE}: {error.detail}") from None
        with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise MediaError(Reason.TOO_LARGE, f"{IGNORE_FILE} has more than {MAX_BYTES:,} bytes")
        from pathspec import GitIgnoreSpec

        lines = text.decode("utf-8", "surrogateescape").splitlines()
        return cls(folder, GitIgnoreSpec.from_lines(line for line in lines if _is_valid(line)))

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """Whether a path below the folder is ignored; None if no rule names it."""
        name = os.path.relpath(path, self.folder) + ("/" if is_folder else "")
        return self.spec.check_file(name).include


def _is_valid(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, RecursionError, re.error):
        return False
    return True
