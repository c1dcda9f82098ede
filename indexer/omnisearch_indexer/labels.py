"""Labels: the tags and the values with keys that a user gives to a path. They hold for every file at and below it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omnisearch.errors import StoreError, UsageError
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
    if labels == Labels():
        return labels  # most runs have no labels, and are spared the import of numpy
    from omnisearch.stores.validation import check_labels

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
