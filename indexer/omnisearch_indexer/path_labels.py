"""The labels of files, and the facts of items that follow from them.

Labels belong to paths, not to contents: an item that several files hold has the tags of all of them, and if their
values of a key differ, that of the first path. Deeper paths override the values of the folders above.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePath

from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.paths import show_path
from omnisearch.stores.base import Facts
from omnisearch.stores.forms_version import FORMS
from omnisearch.stores.validation import MAX_NAMES, MAX_TEXT, MAX_WORDS
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow, ItemRow


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


def facts_json(facts: Facts) -> str:
    """Facts as JSON text. The manifest stores the text of the engine's facts; if it changes, the engine is updated.

    FORMS is part of it, because the engine stores the words of the facts in these forms.
    """
    said = [facts.path, facts.size, facts.mtime, facts.tags, sorted(facts.meta.items()), facts.names]
    return json.dumps([FORMS, *said, facts.metadata.as_json(), facts.has, facts.languages, facts.added])
