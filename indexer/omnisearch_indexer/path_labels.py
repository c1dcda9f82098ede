"""Labels: the tags and the values with keys that a user gave to a path. They hold for every file at and below it.

They belong to paths, not to contents: an item that several files hold has the tags of all of them, and if their values
of a key differ, that of the first path. Deeper paths override the values of the folders above.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePath

from omnisearch.errors import StoreError, UsageError
from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.paths import show_path
from omnisearch.stores.base import Facts
from omnisearch.stores.tokens import FORMS
from omnisearch.stores.validation import MAX_NAMES, MAX_TEXT, MAX_WORDS, check_labels
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow, ItemRow
from omnisearch_indexer.object_store.address import ObjectAddress, Place, parse_place


@dataclass(frozen=True)
class Labels:
    """The labels of one path."""

    tags: frozenset[str] = frozenset()
    meta: Mapping[str, str] = field(default_factory=dict)

    def pairs(self) -> list[tuple[str, str]]:
        """The rows of the manifest: (key, value); a tag has no key."""
        return [("", tag) for tag in sorted(self.tags)] + list(self.meta.items())

    def __or__(self, deeper: "Labels") -> "Labels":
        return Labels(self.tags | deeper.tags, {**self.meta, **deeper.meta})


def parse_labels(tags: Sequence[str], meta: Sequence[str]) -> Labels:
    """Parse `--tag TAG` and `--meta KEY=VALUE`.

    Raises:
        UsageError: a text of `meta` is not KEY=VALUE, or the store cannot hold the labels.
    """
    pairs = [text.partition("=") for text in meta]
    for text, (_, sign, _) in zip(meta, pairs, strict=True):
        if not sign:
            raise UsageError(f"--meta {text}: write KEY=VALUE")
    labels = Labels(frozenset(tags), {key: value for key, _, value in pairs})
    try:
        check_labels("--tag and --meta", sorted(labels.tags), labels.meta)
    except StoreError as error:
        raise UsageError(str(error)) from None
    return labels


def parse_labelled_paths(arguments: Sequence[str], common: Labels) -> dict[Place, Labels]:
    """Parse arguments PATH and PATH=TAG,TAG. Returns the labels of each place: the `common` ones and its own tags.

    An argument is a PATH without tags if a file or folder has its whole name, or none has the part before its last `=`.
    Names of objects often contain `=`, so an address has tags only after a slash: ADDRESS/=TAG.

    Raises:
        UsageError: a tag is empty, the store cannot hold the labels, or an address is malformed.
    """
    found: dict[Place, Labels] = {}
    for text in arguments:
        place, own = parse_place(text), Labels()
        before, _, tags = text.rpartition("=")
        if _ends_with_tags(place, before):
            if not all(names := tags.split(",")):
                raise UsageError(f"{text}: write PATH=TAG or PATH=TAG,TAG")
            place, own = parse_place(before), parse_labels(names, ())
        found[place] = found.get(place, common) | own
    return found


def _ends_with_tags(place: Place, before: str) -> bool:
    """Whether an argument that is this place as a whole has tags after `before`, which is empty if it has no `=`."""
    if isinstance(place, ObjectAddress):
        return before.endswith("/")
    return before != "" and not os.path.lexists(place) and os.path.lexists(before)


class LabelTree:
    """The labels of all paths."""

    def __init__(self, manifest: Manifest) -> None:
        self._given: dict[str, Labels] = {}
        for path, key, value in manifest.labels():
            one = Labels(meta={key: value}) if key else Labels(frozenset({value}))
            self._given[path] = self._given.get(path, Labels()) | one

    def of(self, path: str) -> Labels:
        """Return the labels of a file: its own and those of every folder above it."""
        found = Labels()
        if not self._given:
            return found
        for place in (*reversed(PurePath(path).parents), PurePath(path)):
            if str(place) in self._given:
                found |= self._given[str(place)]
        return found

    def facts_of(self, item: ItemRow, holders: Sequence[FileRow]) -> Facts:
        """Return the facts of a known item that these files hold, sorted by path."""
        return replace(
            self.facts(item.mime, holders, item.metadata), has=item.has, languages=item.languages, added=item.added
        )

    def facts(self, mime: str, holders: Sequence[FileRow], metadata: Metadata | None = None) -> Facts:
        """Return the facts of new content in these files, sorted by path; `metadata` are those of one of them."""
        first = holders[0]
        both = Labels()
        for row in reversed(holders):
            both |= self.of(row.path)
        tags, meta = sorted(both.tags)[:MAX_WORDS], dict(sorted(both.meta.items())[:MAX_WORDS])
        mtime = float(first.signature.mtime_ns // 10**9)  # engines lose the last bits of a fraction
        path, others = show_path(first.path), [show_path(row.path) for row in holders[1:]]
        return Facts(
            path, mime, first.signature.size, mtime, tuple(tags), meta, _names(path, others), metadata or NO_METADATA
        )


def _names(path: str, others: Sequence[str]) -> tuple[str, ...]:
    """The names of files and folders that occur only in the other paths of an item, up to the limit of a store."""
    known = set(path.split("/"))
    found = dict.fromkeys(name for other in others for name in other.split("/") if name not in known)
    names: list[str] = []
    room = MAX_TEXT
    for name in islice(found, MAX_NAMES):
        room -= len(name) + 1
        if room < 0:
            break
        names.append(name)
    return tuple(names)


# Raise it when `LabelTree.facts` or `facts_json` give another result for the same files and labels.
FACTS_VERSION = 3


def facts_version() -> str:
    """The version of the facts and of the forms in which the engine stores their words."""
    return f"{FACTS_VERSION}.{FORMS}"


def facts_json(facts: Facts) -> str:
    """Facts as JSON text. The manifest stores the text of the engine's facts; if it changes, the engine is updated.

    FORMS is part of it, because the engine stores the words of the facts in these forms.
    """
    said = [facts.path, facts.size, facts.mtime, facts.tags, sorted(facts.meta.items()), facts.names]
    return json.dumps([FORMS, *said, facts.metadata.as_json(), facts.has, facts.languages, facts.added])
