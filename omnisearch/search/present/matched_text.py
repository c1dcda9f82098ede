"""The texts that matched a hit: the field, the words in it, and where it was read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from omnisearch.query.expressions import Sum
from omnisearch.query.phrases import phrases
from omnisearch.search.present.explanation import decisive_leaves
from omnisearch.search.rank.scorer import RankedItem, ScoredSegments
from omnisearch.stores.base import Filter, Payload, VectorStore
from omnisearch.stores.bm25 import asked_forms
from omnisearch.stores.field_text import FieldText
from omnisearch.stores.marks import Marks, mark_words
from omnisearch.stores.tokens import has_phrase
from omnisearch.types import Hit, Match, Segment

# Characters of a text that are shown, and of those before its first matched word.
SHOWN, BEFORE = 240, 60


def add_texts(store: VectorStore, entries: Sequence[RankedItem], hits: Iterable[Hit]) -> list[Hit]:
    """Add the texts that matched to hits, with one call of the store for all hits that a text may have matched.

    Where a reading with a time decided, it is the segment of the hit.
    """
    wanted = {_point_id(entry) for entry in entries if _sums_by_text(entry)}
    chosen = Filter(ids=tuple(sorted(wanted)))
    whole = {point.id: point.payload for point in store.scroll(chosen)} if wanted else {}
    return [
        _with_texts(hit, entry, whole[_point_id(entry)]) if _point_id(entry) in whole else hit
        for entry, hit in zip(entries, hits, strict=True)
    ]


@dataclass(frozen=True)
class _Marked:
    """A text with the places of the matched words in it. `value` is the weight of these words."""

    text: FieldText
    marks: Marks
    value: float


def _with_texts(hit: Hit, entry: RankedItem, payload: Payload) -> Hit:
    texts, decided, words = tuple(payload.texts), _sums_by_text(entry), entry.scored.scorer.words
    found: dict[str, _Marked] = {}
    for leaf, by_meaning in decided.items():
        for term in leaf.terms:
            if isinstance(term.source, str) and term.weight > 0:
                best = _best(term.source, texts) if leaf in words else None
                if best is None and by_meaning:
                    best = _longest_reading(texts)
                if best is not None:
                    found[str(term)] = best
    matches = tuple(_with_text(match, found.get(match.term)) for match in hit.matched_by)
    return replace(hit, matched_by=matches, segment=_moment(hit.segment, found.values()))


def _sums_by_text(entry: RankedItem) -> Mapping[Sum, bool]:
    """Return the sums that may have matched by a text, and whether they did by its meaning.

    Words that are no evidence have no score in the search, and are shown all the same.
    """
    scored = entry.scored
    found: dict[Sum, bool] = {}
    for leaf, row in decisive_leaves(scored.expression, entry.row):
        by_meaning = _has_meaning(scored, leaf, row)
        if row == entry.row and (by_meaning or leaf in scored.scorer.words):
            found[leaf] = by_meaning
    return found


def _has_meaning(scored: ScoredSegments, leaf: Sum, row: int) -> bool:
    """Return whether the text vector is nearer than the content, as log-odds."""
    if leaf not in scored.text_scores:
        return False
    texts, scores = scored.text_scores[leaf][row : row + 1], scored.scores[leaf][row : row + 1]
    near = scored.scorer.calibrations[leaf].odds(scores)
    return bool(scored.scorer.text_calibrations[leaf].odds(texts)[0] > near[0])  # false for NaN


def _best(asked: str, texts: Sequence[FieldText]) -> _Marked | None:
    """Return the text with the most phrases, whose matched words weigh most; the first of several."""
    forms, quoted = asked_forms(asked), phrases(asked)
    found = []
    for text in texts:
        marks, words = mark_words(text.text, forms)
        if marks:
            exact = sum(has_phrase(text.text, phrase) for phrase in quoted)
            found.append(_Marked(text, marks, text.weight * words + len(asked) * exact))
    return max(found, key=lambda each: each.value, default=None)


def _longest_reading(texts: Sequence[FieldText]) -> _Marked | None:
    read = [_Marked(text, (), len(text.text)) for text in texts if text.reading is not None]
    return max(read, key=lambda each: each.value, default=None)


def _with_text(match: Match, found: _Marked | None) -> Match:
    if found is None:
        return match
    text, marks = _excerpt(found.text.text, found.marks)
    reading = found.text.reading
    start, end, box = (reading.start, reading.end, reading.box) if reading else (None, None, None)
    return replace(match, field=found.text.field, text=text, marks=marks, start=start, end=end, box=box)


def _excerpt(text: str, marks: Marks) -> tuple[str, Marks]:
    """Return the part of a text around its first mark, in one line, and the marks in it."""
    first = max(0, marks[0][0] - BEFORE) if marks and len(text) > SHOWN else 0
    if first:
        first = text.find(" ", first, marks[0][0]) + 1 or first  # begins with a whole word
    shown = text[first : first + SHOWN]
    kept = tuple((a - first, b - first) for a, b in marks if b <= first + len(shown))
    return "".join(" " if c.isspace() else c for c in shown), kept


def _moment(segment: Segment | None, found: Iterable[_Marked]) -> Segment | None:
    """Return the time of the reading that matched best, in the place of the segment that has it."""
    timed = [(each, each.text.reading) for each in found if each.text.reading is not None]
    best = max(timed, key=lambda each: each[0].value, default=None)
    if segment is None or segment.unit != "seconds" or best is None or best[1].start is None or best[1].end is None:
        return segment
    return replace(segment, start=best[1].start, end=best[1].end)


def _point_id(entry: RankedItem) -> str:
    return entry.point.id
