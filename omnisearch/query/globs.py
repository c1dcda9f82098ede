"""Globs: path patterns in which `*` and `?` match within a name, and `**` matches any number of folders."""

from collections.abc import Sequence


def matches_path(pattern: str, path: str) -> bool:
    """Return whether a pattern matches a path or a folder above it."""
    wanted = path_components(pattern)
    reached = _skip({0}, wanted)
    for name in path.strip("/").split("/"):
        following = {at for at in reached if wanted[at] == "**"}
        following |= {at + 1 for at in reached if wanted[at] != "**" and _matches_name(wanted[at], name)}
        reached = _skip(following, wanted)
        if len(wanted) in reached:
            return True
    return False


def path_components(pattern: str) -> list[str]:
    """Split a pattern into names. A pattern without a leading `/` gets `**` first; a final `**` gets `*` after it."""
    names = [name for name in pattern.split("/") if name]
    if not pattern.startswith("/"):
        names.insert(0, "**")
    return [*names, "*"] if names[-1:] == ["**"] else names or ["*"]


def _skip(reached: set[int], wanted: Sequence[str]) -> set[int]:
    """Add the positions that are reached without another name: `**` may match no name."""
    found = set(reached)
    for at in sorted(reached):
        while at < len(wanted) and wanted[at] == "**":
            at += 1
            found.add(at)
    return found


def _matches_name(pattern: str, name: str) -> bool:
    """Match with `*` and `?`, in time bounded by the product of both lengths for every pattern."""
    at = mark = resume = 0
    star = -1
    while mark < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, mark
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", name[mark]}:
            at, mark = at + 1, mark + 1
        elif star >= 0:  # the last star matches one more character
            resume += 1
            at, mark = star + 1, resume
        else:
            return False
    return all(c == "*" for c in pattern[at:])
