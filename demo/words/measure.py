"""Judge hits by the truth of the corpus."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from demo.words.truth import Question

WITHIN_SECONDS = 2.0
FIRST = 10


@dataclass(frozen=True)
class Judged:
    """Whether a question's file is the first hit, and among the first ten, and whether its place is right.

    `place` is None if the first hit is not right or the question has no place. `found_wordless` is true if the first
    hit is a file without words. `quoted` says whether the file is the first hit of the text in quotes, which asks for
    its exact words.
    """

    question: Question
    first: bool
    ten: bool
    place: bool | None
    found_wordless: bool
    quoted: bool | None = None


def judge(question: Question, hits: Sequence[Mapping[str, Any]], root: PurePath, wordless: frozenset[str]) -> Judged:
    """Judge the hits of a question, as JSON. A question with conditions needs all of its files, and no others."""
    found = [str(PurePath(hit["path"]).relative_to(root)) for hit in hits]
    if question.where:
        exact = sorted(found) == sorted(question.files)
        return Judged(question, exact, exact, None, False)
    first = bool(found) and found[0] in question.files
    place = place_is_right(question, hits[0]) if first else None
    is_wordless = bool(found) and not first and found[0] in wordless
    return Judged(question, first, any(each in question.files for each in found[:FIRST]), place, is_wordless)


def place_is_right(question: Question, hit: Mapping[str, Any]) -> bool | None:
    """Return whether a hit shows the right second, page or box; None if the question has none.

    The second is that of the text that matched, or else the beginning of the best segment; it is right up to two
    seconds before and after. A box is right if its middle is in the box of the truth. A page is named by the segment.
    """
    matched = [match for match in hit["matched_by"] if match.get("field")]
    segment = hit["segment"] or {}
    if question.start is not None and question.end is not None:
        second = next((match["start"] for match in matched if match.get("start") is not None), segment.get("start"))
        return second is not None and question.start - WITHIN_SECONDS <= second <= question.end + WITHIN_SECONDS
    if question.page is not None:
        number = re.search(r"\d+", str(segment.get("part", "")))
        return number is not None and int(number[0]) == question.page
    if question.box is not None:
        boxes = [match["box"] for match in matched if match.get("box")]
        return bool(boxes) and _is_inside(boxes[0], question.box)
    return None


def _is_inside(box: Sequence[float], truth: Sequence[float]) -> bool:
    middle = box[0] + box[2] / 2, box[1] + box[3] / 2
    return all(truth[n] - 0.01 <= middle[n] <= truth[n] + truth[n + 2] + 0.01 for n in (0, 1))


@dataclass(frozen=True)
class Score:
    """Shares of a group of questions: of files first and among the first ten, of right places among the first, and of
    files that are first if the text is in quotes.
    """

    group: str
    questions: int
    first: float
    ten: float
    place: float | None
    quoted: float | None


def scores(judged: Sequence[Judged]) -> list[Score]:
    """Return the scores by what the words are in, and of pictures and speech also by language."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        asked = one.question
        name = "conditions" if asked.where else asked.within
        groups.setdefault(name, []).append(one)
        if name in {"picture", "speech"}:
            groups.setdefault(f"{name}, {asked.language}", []).append(one)
    return [_score(name, groups[name]) for name in sorted(groups)]


def _score(name: str, judged: Sequence[Judged]) -> Score:
    places = [one.place for one in judged if one.place is not None]
    first, ten = (sum(each) / len(judged) for each in ([j.first for j in judged], [j.ten for j in judged]))
    quoted = [one.quoted for one in judged if one.quoted is not None]
    return Score(name, len(judged), first, ten, _share(places), _share(quoted))


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None
