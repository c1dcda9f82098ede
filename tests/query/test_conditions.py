"""Conditions as they are written, and what they mean."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from omnisearch.errors import QueryError
from omnisearch.query.condition_parser import parse_condition, parse_conditions
from omnisearch.query.conditions import PatternCondition, RangeCondition, WordCondition
from omnisearch.query.globs import matches_path
from omnisearch.query.positions import NearCondition


def at(*moment: int, tz: tzinfo = UTC) -> float:
    return datetime(*moment, tzinfo=tz).timestamp()  # type: ignore[arg-type, misc]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def change(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield change
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("path:photos/**", PatternCondition("path", "photos/**")),
        ("path:/a b/c: d=e>f.txt", PatternCondition("path", "/a b/c: d=e>f.txt")),
        ("!tag:holiday", PatternCondition("tag", "holiday", negated=True)),
        ("tag = a:b", PatternCondition("tag", "a:b")),
        ("meta.author:Ann Ö", PatternCondition("meta.author", "Ann Ö")),
        ("mime:image/*", PatternCondition("mime", "image/*")),
        ("size>1MB", RangeCondition("size", gt=1_000_000)),
        ("size<=1.5KiB", RangeCondition("size", lte=1536)),
        ("size:7", RangeCondition("size", gte=7, lte=7)),
        ("!duration < 1.5min", RangeCondition("duration", lt=90, negated=True)),
        ("duration>=2h", RangeCondition("duration", gte=7200)),
        ("mtime>=2024-02", RangeCondition("mtime", gte=at(2024, 2, 1))),
        ("mtime>2024-02", RangeCondition("mtime", gte=at(2024, 3, 1))),
        ("mtime<=2023", RangeCondition("mtime", lt=at(2024, 1, 1))),
        ("mtime<2024-12-31", RangeCondition("mtime", lt=at(2024, 12, 31))),
        ("mtime:2024-12", RangeCondition("mtime", gte=at(2024, 12, 1), lt=at(2025, 1, 1))),
        ("mtime:2024-02-29", RangeCondition("mtime", gte=at(2024, 2, 29), lt=at(2024, 3, 1))),
        ("mtime>2024-05-01T12:30+02:00", RangeCondition("mtime", gt=at(2024, 5, 1, 10, 30))),
        ("taken:2023-07", RangeCondition("taken", gte=at(2023, 7, 1), lt=at(2023, 8, 1))),
        ("taken>=2023", RangeCondition("taken", gte=at(2023, 1, 1))),
        ("year:1999", RangeCondition("year", gte=1999, lte=1999)),
        ("rating>=4", RangeCondition("rating", gte=4)),
        ("camera:Canon EOS", WordCondition("camera", "Canon EOS")),
        ("!artist:Ann", WordCondition("artist", "Ann", negated=True)),
        ("place:Lisbon, Portugal", WordCondition("place", "Lisbon, Portugal")),
        ("place:38.72,-9.14,5km", NearCondition(38.72, -9.14, 5)),
        ("!place: -38.72 , 9.14 , 500 m", NearCondition(-38.72, 9.14, 0.5, negated=True)),
        ("place:38,9,10mi", NearCondition(38, 9, 16.09344)),
        ("place:38,9,10", NearCondition(38, 9, 10)),
        ("language:DE", PatternCondition("language", "de")),
        ("has:gps", PatternCondition("has", "gps")),
        ("!day:02-29", PatternCondition("day", "02-29", negated=True)),
        ("added>=2023", RangeCondition("added", gte=at(2023, 1, 1))),
    ],
)
def test_a_condition_is_read(text: str, condition: object, zone: Callable[[str], None]) -> None:
    zone("UTC")
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("day:02-30", ["day:02-30", "day:11-29"]),
        ("day:1-1", ["day:1-1"]),
        ("day:2024-01-01", ["day:2024-01-01"]),
        ("holiday", ["FIELD:VALUE", "path", "tag", "meta.KEY", "size", "duration", "mtime"]),
        ("tags:holiday", ["'tags'", "did you mean 'tag'?", "meta.KEY"]),
        ("meta.a.b:c", ["'meta.a.b'", "meta.KEY"]),
        ("tag>3", ["tag", "':'"]),
        ("tag:", ["tag", "1 to"]),
        ("size>big", ["'big'", "10MB"]),
        ("size>-1", ["'-1'"]),
        ("duration>1 fortnight", ["'1 fortnight'", "2h"]),
        ("mtime>2024-02-30", ["'2024-02-30'", "2024-05-01"]),
        ("mtime>yesterday", ["'yesterday'"]),
        ("path:" + "x" * 2000, ["2000", "1024"]),
        ("has:speach", ["has:speach", "did you mean 'speech'?", "gps"]),
        ("camera:-", ["camera", "one word"]),
        ("camera>3", ["camera", "':'"]),
        ("place:38.72,-9.14", ["no distance", "place:38.72,-9.14,5km"]),
        ("place:91,0,5km", ["-90 to 90"]),
        ("place:0,0,0km", ["above 0"]),
        ("place:0,0,99999", ["above 0"]),
        ("year>=MCMXC", ["'MCMXC'", "1999"]),
        ("cammera:canon", ["did you mean 'camera'?"]),
    ],
)
def test_what_is_no_condition_is_refused_by_name(text: str, words: list[str]) -> None:
    with pytest.raises(QueryError) as caught:
        parse_conditions([text])
    assert all(word in str(caught.value) for word in words)


def test_many_conditions_are_refused() -> None:
    with pytest.raises(QueryError, match="33 conditions"):
        parse_conditions(["tag:x"] * 33)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("photos", "/home/photos/2024/a.jpg", True),
        ("photos", "/home/photos", True),
        ("photos/**", "/home/photos", False),
        ("photos/**", "/home/photos/a", True),
        ("photo", "/home/photos/a", False),
        ("/photos", "/home/photos/a", False),
        ("/home", "/home/photos/a", True),
        ("*.jpg", "/home/a.jpg", True),
        ("*.jpg", "/home/a.JPG", False),
        ("home/*.jpg", "/home/b/a.jpg", False),
        ("home/**/*.jpg", "/home/b/a.jpg", True),
        ("home/**/*.jpg", "/home/a.jpg", True),
        ("a[1].txt", "/a[1].txt", True),
        ("a?.txt", "/ab.txt", True),
        ("a?.txt", "/a.txt", False),
    ],
)
def test_a_path_pattern_names_a_file_or_a_folder_above_it(pattern: str, path: str, matches: bool) -> None:
    assert matches_path(pattern, path) is matches


def test_path_patterns_are_what_a_regular_expression_says() -> None:
    random = np.random.default_rng(3)
    for _ in range(3000):
        pattern = "/".join(random.choice(["a", "ab", "*", "**", "a*", "?b", "*b*"], size=random.integers(1, 5)))
        pattern = ("/" if random.integers(0, 2) else "") + pattern
        path = "/" + "/".join(random.choice(["a", "ab", "b", "aab", "abb"], size=random.integers(1, 6)))
        names = pattern.strip("/").split("/")
        text = "" if pattern.startswith("/") else "(?:[^/]+/)*"
        for n, name in enumerate(names):
            last = n == len(names) - 1
            if name == "**":
                text += "[^/]+(?:/[^/]+)*" if last else "(?:[^/]+/)*"
            else:
                text += re.escape(name).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + ("" if last else "/")
        expected = re.fullmatch(f"/{text}(?:/.*)?", path) is not None
        assert matches_path(pattern, path) is expected, (pattern, path)


def test_a_hostile_pattern_takes_no_time() -> None:
    """A matcher that goes back and tries again would not end before the test's time is up."""
    assert not matches_path("*a" * 500 + "b", "/" + "a" * 255)
    assert not matches_path("**/a/" * 200 + "b", "/a" * 1000)


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Kathmandu", "UTC"])
def test_times_are_local_where_no_offset_is_given(name: str, zone: Callable[[str], None]) -> None:
    """In New York a day of March 2024 has 23 hours, and summer is four hours behind UTC, winter five."""
    zone(name)
    tz = ZoneInfo(name)
    assert parse_condition("mtime:2024-03-10") == RangeCondition(
        "mtime", gte=at(2024, 3, 10, tz=tz), lt=at(2024, 3, 11, tz=tz)
    )
    assert parse_condition("mtime:2024") == RangeCondition("mtime", gte=at(2024, 1, 1, tz=tz), lt=at(2025, 1, 1, tz=tz))
    assert parse_condition("mtime>2024-07-01T12:30") == RangeCondition("mtime", gt=at(2024, 7, 1, 12, 30, tz=tz))
    assert parse_condition("mtime>2024-07-01T12:30Z") == RangeCondition("mtime", gt=at(2024, 7, 1, 12, 30))


@pytest.mark.parametrize(
    ("text", "word", "way_out"),
    [
        ("path:a OR path:b", "OR", "ask once for each"),
        ("path:a or path:b", "or", "ask once for each"),
        ("tag:x || tag:y", "||", "ask once for each"),
        ("path:a AND size>3", "AND", "give each by itself"),
        ("tag:x && !mime:image/*", "&&", "give each by itself"),
        ("size>3 AND size<9", "AND", "give each by itself"),
        ("camera:canon AND taken:2023", "AND", "give each by itself"),
        ("path:a OR (meta.who:b)", "OR", "ask once for each"),
    ],
)
def test_conditions_in_one_text_are_refused_with_the_way_out(text: str, word: str, way_out: str) -> None:
    with pytest.raises(QueryError, match=f"not joined by {re.escape(word)}; {way_out}"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["path:war and peace", "path:Portland OR", "tag:this or that", "path:a OR b: c"])
def test_words_that_join_nothing_are_part_of_a_pattern(text: str) -> None:
    assert parse_condition(text) == PatternCondition(*text.split(":", 1))
