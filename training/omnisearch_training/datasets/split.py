"""Splits: an item's split is decided by its concept, never by its file."""

import hashlib
import re
import unicodedata
from enum import StrEnum

# Shares of the source items in per mille; the rest is for training.
VALID_SHARE = 50
TEST_SHARE = 100

_DROPPED = frozenset({"a", "an", "the"})


class Split(StrEnum):
    """The split of a source item."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


def source_id(name: str) -> str:
    """Reduce a name to the concept shared by all its drawings, takes and copies: "The Dogs 02" and "dog" are `dog`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = [_singular(word) for word in re.findall(r"[a-z]+", plain)]
    return " ".join(word for word in words if word not in _DROPPED) or name.strip().lower()


def split_of(source: str) -> Split:
    """Return the split of a source item, the same on every machine and in every dataset."""
    place = int.from_bytes(hashlib.sha256(source.encode()).digest()[:8], "big") % 1000
    if place < TEST_SHARE:
        return Split.TEST
    return Split.VALID if place < TEST_SHARE + VALID_SHARE else Split.TRAIN


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
