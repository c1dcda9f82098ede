"""Names of collections and ids of points."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.errors import FingerprintError
from omnisearch.stores.collection_name import CollectionName, alias_of
from omnisearch.stores.ids import NAMESPACE, point_id
from omnisearch.types import Segment

COLLECTIONS = st.just("default") | st.from_regex("[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True)


@given(st.text(), st.integers(1, 65_536), st.text("0123456789abcdef", min_size=12), st.integers(1, 99), COLLECTIONS)
def test_a_name_says_what_it_was_made_of(model: str, dim: int, fingerprint: str, version: int, collection: str) -> None:
    name = CollectionName(model, dim, fingerprint, version, collection)
    assert CollectionName.parse(str(name)) == name
    assert name.fits(dim, fingerprint)
    assert not name.fits(dim + 1, fingerprint)
    assert not set(str(name)) & set("/\\ :?#%")
    assert CollectionName.parse(str(name.next())) != name


def test_the_default_collection_has_the_names_of_earlier_versions() -> None:
    assert str(CollectionName("mini", 512, "0123456789abcdef")) == "omni__mini__512__0123456789ab"
    assert str(CollectionName("mini", 512, "0123456789abcdef", 2, "a_b")) == "omni-a_b__mini__512__0123456789ab__v2"
    assert (alias_of("default"), alias_of("photos")) == ("omnisearch", "omnisearch-photos")


def test_a_refusal_names_a_way_out_that_exists() -> None:
    """An earlier version of a shipped model cannot be chosen again."""
    made = CollectionName("mini", 512, "0123456789abcdef")
    with pytest.raises(FingerprintError, match=r"version of model 'mini'.*`omnisearch rebind --read`") as upgraded:
        made.require(CollectionName("mini", 512, "f" * 64))
    assert "--model" not in str(upgraded.value)
    with pytest.raises(FingerprintError, match=r"'mini'.*not by 'other'.*--model"):
        made.require(CollectionName("other", 512, "f" * 64))
    made.require(CollectionName("renamed", 512, "0123456789abcdef"))


@pytest.mark.parametrize(
    "name",
    ["", "theirs", "omni__m__3", "omni__m__x__abc", "omni__m__3__abc__v1", "omni__../x__3__abc", "omni__m__3__abc/.."],
)
def test_another_name_is_not_ours(name: str) -> None:
    assert CollectionName.parse(name) is None


def test_a_point_id_depends_on_item_and_segment_alone() -> None:
    segments = [
        Segment(),
        Segment(1),
        Segment(0, 0.0, 1.0, "seconds"),
        Segment(0, 0.0, 1.0, "characters"),
        Segment(0, 0.0, 1.5, "seconds"),
        Segment(0, 0.5, 1.0, "seconds"),
    ]
    ids = [point_id(item, segment) for item in ("a", "b", "a\n0") for segment in segments]
    assert len(set(ids)) == len(ids)
    assert all(str(UUID(one)) == one for one in ids)
    assert ids[2] == point_id("a", Segment(0, 0, 1, "seconds"))


def test_a_point_id_never_changes() -> None:
    """Indexes on disk hold these ids: they are RFC 9562 version 5 of this text, written out by hand."""
    for segment, text in (
        (Segment(2, 1.5, 3.0, "seconds"), "a\n2\n1.5\n3.0\nseconds"),
        (Segment(), "a\n0" + "\nNone" * 3),
    ):
        digest = hashlib.sha1(NAMESPACE.bytes + text.encode()).digest()
        assert point_id("a", segment) == str(UUID(bytes=digest[:16], version=5))
