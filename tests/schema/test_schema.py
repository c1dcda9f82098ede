"""The models of answers show what the command line prints, and cost clients no heavy import."""

import subprocess
import sys
from typing import Any

import pytest

from omnisearch.schema.hit import HitOut
from omnisearch.search.present.hit_json import hit_json
from omnisearch.types import Finding, Hit, Match, Modality, Segment

TEXT = Segment(3, 100, 250, "characters")
SOUND = Segment(1, 8.0, 18.0, "seconds")
PLAIN = Hit("1", "/a", Modality.TEXT, 0.3, 0.9, TEXT, (Match("a dog", 1.0, 0.3),), segments=((TEXT, 0.3),))
EXPLAINED = Hit(
    "2",
    "/b",
    Modality.AUDIO,
    -0.25,
    0.4,
    SOUND,
    (Match("a dog", -0.5, 0.1, {"audio:0": 0.5}, {"hashed": 0.1}), Match("b", 1.0, 0.0, unsplit="no spaces are kept")),
    explanation=Finding(
        "and",
        0.4,
        float("-inf"),
        None,
        (Finding("sum", 0.4, -0.4, SOUND, query="a dog", score=0.3, calibration={"mean": 0.1}),),
    ),
    missing=True,
)


@pytest.mark.parametrize("hit", [PLAIN, EXPLAINED], ids=["plain", "explained"])
def test_a_hit_is_sent_as_it_is_printed(hit: Hit) -> None:
    printed = hit_json(hit)
    sent: dict[str, Any] = HitOut.model_validate(printed).model_dump(mode="json", exclude_unset=True)
    assert repr(sent) == repr(printed)  # the order of fields and whole numbers as well


def test_importing_the_models_imports_no_web_framework_and_no_arrays() -> None:
    rooms = ", ".join(f"omnisearch.schema.{name}" for name in ("search", "item", "locate"))
    code = f"import sys, {rooms}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"fastapi", "starlette", "numpy", "torch"} & set(done.stdout.split())
