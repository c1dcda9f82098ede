"""Keys as paths: the path of the copy of each object, below the folder of its bucket.

A store allows keys that are no path of a file, or that would be a path outside the folder. They get no copy.
"""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

NAME_BYTES, PATH_BYTES = 255, 4095


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a bucket; `mtime_ns` is the mtime of its copy. A copy of this size and mtime is current."""

    key: str
    size: int
    mtime_ns: int


@dataclass
class KeyPaths:
    """Objects by the path of their copy, and keys of objects that have none, with the reason, by a path for reports.

    The path of a key that is no path has only the usable parts of the key, and never belongs to another object.
    """

    objects: dict[str, StoredObject] = field(default_factory=dict)
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)


def key_fault(key: str) -> str:
    """Return why a key cannot be the path of a file below a folder; empty if it can."""
    parts = key.split("/")
    if "\0" in key:
        return "it has a zero byte, which no path may have"
    if "" in parts:
        return "a part of it is empty, which no name of a file is"
    if "." in parts or ".." in parts:
        return "a part of it is . or .., which is no name of a file"
    try:
        longest = max(len(os.fsencode(part)) for part in parts)
    except UnicodeEncodeError:
        return "it is no valid text"
    return f"a part of it is longer than {NAME_BYTES} bytes" if longest > NAME_BYTES else ""


def key_paths(found: Iterable[StoredObject], bucket_mirror: str, folds: bool) -> KeyPaths:
    """Give each object the path of its copy in the folder of its bucket.

    `folds` says that the file system takes names for the same that differ in case or in the form of their Unicode. Of
    the objects with one name, the first by key has a copy. An empty object that is the prefix of others marks a folder,
    and is left out.
    """
    made, hostile = KeyPaths(), []
    usable: list[StoredObject] = []
    for each in sorted(found, key=attrgetter("key")):
        if fault := key_fault(each.key):
            hostile.append((each.key, fault))
        else:
            usable.append(each)
    folders, spelled = _folders(each.key for each in usable), dict[str, str]()
    for each in usable:
        path = f"{bucket_mirror}/{each.key}"
        if each.key in folders:
            if each.size:
                made.faults[path] = (each.key, "other objects lie below it, as below a folder")
        elif len(os.fsencode(path)) > PATH_BYTES:
            made.faults[path] = (each.key, f"the path of its copy is longer than {PATH_BYTES:,} bytes")
        elif folds and (twin := _twin(each.key, spelled)):
            made.faults[path] = (each.key, f"this file system takes its name for that of {twin!r}")
        else:
            made.objects[path] = each
    for key, fault in hostile:
        path = f"{bucket_mirror}/{_nearest(key)}"
        while path in made.objects or path in made.faults:
            path += "%"
        made.faults[path] = (key, f"its key is no path of a file: {fault}")
    return made


def _folders(keys: Iterable[str]) -> set[str]:
    """Return the prefixes of keys that are folders."""
    found: set[str] = set()
    for key in keys:
        above = key.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _twin(key: str, spelled: dict[str, str]) -> str:
    """Return an earlier key, or a folder of one, that has the name of this key or of a folder of it; else empty.

    `spelled` has the spelling of each folded name, and gets those of this key.
    """
    names = _prefixes(key.split("/"))
    for name in names:
        if (earlier := spelled.get(_fold(name), name)) != name:
            return earlier
    spelled.update((_fold(name), name) for name in names)
    return ""


def _prefixes(parts: Sequence[str]) -> list[str]:
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _nearest(key: str) -> str:
    """Return the path that is nearest to a key that is none."""
    parts = (part.replace("\0", "\ufffd") for part in key.split("/") if part not in ("", ".", ".."))
    return "/".join(parts).encode(errors="replace").decode() or "%"
