"""Payloads as the store has them."""

from dataclasses import fields, replace
from typing import Any

import pytest

from omnisearch.errors import DamageError
from omnisearch.metadata import Metadata
from omnisearch.stores.base import Payload
from omnisearch.types import Modality, Reading, Segment

PAYLOAD = Payload(
    item_id="0" * 32,
    modality=Modality.VIDEO,
    path="/films/a.mp4",
    mime="video/mp4",
    size=7,
    mtime=3.0,
    tags=("holiday",),
    meta={"camera": "left"},
    names=("b.mp4",),
    metadata=Metadata(title="A walk", year=2020),
    has=("speech",),
    languages=("en",),
    duration=20.0,
    segment=Segment(1, 8.0, 18.0, "seconds", "part 2"),
    segments=2,
    readings=(Reading("speech", "a walk", 8.0, 9.0),),
    notes=("partly read: it is cut off",),
)
OLD = {"item_id", "modality", "segment", "start", "end", "unit", "segments", "path"}


def test_a_payload_is_read_as_it_was_stored() -> None:
    read = Payload.from_flat(PAYLOAD.flat())
    assert read == PAYLOAD
    assert vars(read).keys() == {each.name for each in fields(Payload)}
    assert replace(read, path="/b").path == "/b"


def test_a_payload_of_an_older_version_has_defaults() -> None:
    read = Payload.from_flat({name: value for name, value in PAYLOAD.flat().items() if name in OLD})
    assert read == Payload(
        item_id=PAYLOAD.item_id,
        modality=Modality.VIDEO,
        path=PAYLOAD.path,
        segment=replace(PAYLOAD.segment, part=""),
        segments=2,
    )


@pytest.mark.parametrize(
    "change", [{"modality": "smell"}, {"about": 3}, {"unknown": 1}, {"metadata": "{"}, {"readings": "[[]]"}]
)
def test_a_damaged_payload_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DamageError, match="omnisearch repair"):
        Payload.from_flat(PAYLOAD.flat() | change)


@pytest.mark.parametrize("lost", ["item_id", "modality", "path", "segment", "start"])
def test_a_payload_without_a_needed_field_is_damaged(lost: str) -> None:
    with pytest.raises(DamageError, match="omnisearch repair"):
        Payload.from_flat({name: value for name, value in PAYLOAD.flat().items() if name != lost})
