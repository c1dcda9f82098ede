"""Globs: which files one run includes and excludes, in the syntax of .gitignore."""

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omnisearch.errors import UsageError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@dataclass(frozen=True)
class Globs:
    """Patterns relative to each root. Without `include` every file is included."""

    include: "GitIgnoreSpec | None" = None
    exclude: "GitIgnoreSpec | None" = None

    def leaves_out(self, path: str, is_folder: bool, root: str) -> bool:
        """Whether a file or folder in a root is left out. `include` leaves out no folder: files in it may match."""
        if self.include is None and self.exclude is None:
            return False
        name = os.path.relpath(path, root) + ("/" if is_folder else "")
        if self.exclude is not None and self.exclude.check_file(name).include:
            return True
        return self.include is not None and not is_folder and not self.include.check_file(name).include

    def leaves_out_file(self, path: str, root: str) -> bool:
        """Whether a file in a root, or a folder above it in the root, is left out."""
        above = path[len(root) :].strip("/").split("/")[:-1]
        folders = ("/".join([root, *above[: n + 1]]) for n in range(len(above)))
        return self.leaves_out(path, False, root) or any(self.leaves_out(folder, True, root) for folder in folders)


ALL = Globs()


def parse_globs(include: Sequence[str], exclude: Sequence[str]) -> Globs:
    """Parse `--include GLOB` and `--exclude GLOB`.

    Raises:
        UsageError: a glob is malformed, or only a comment.
    """
    return Globs(_spec("--include", include), _spec("--exclude", exclude))


def _spec(flag: str, globs: Sequence[str]) -> "GitIgnoreSpec | None":
    if not globs:
        return None
    from pathspec import GitIgnoreSpec

    for glob in globs:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", FutureWarning)  # of [[:alpha:]], which is not read as by git
                one = GitIgnoreSpec.from_lines([glob])
            sound = len(one.patterns) == 1 and glob.strip() and not glob.startswith("#")
        except (ValueError, RecursionError, re.error, FutureWarning):
            sound = False
        if not sound:
            raise UsageError(f"{flag} {glob!r}: write a pattern as in .gitignore, such as '*.jpg' or 'drafts/'")
    return GitIgnoreSpec.from_lines(globs)
