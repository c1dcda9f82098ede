"""Words beside vectors: what they are worth, that retrieval misses none, and names and texts from end to end."""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from omnisearch.binding.config import RelevanceConfig
from omnisearch.config import Settings, load_settings
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Expression, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.rank.candidates import RARE
from omnisearch.search.rank.lexical import QueryWords, query_words
from omnisearch.search.rank.scorer import Scorer, rank
from omnisearch.search.rank.threshold import DEPTH
from omnisearch.stores.base import Lookup, Payload, Point, Scored
from omnisearch.stores.bm25 import SparseVector, document_weights, query_weights
from omnisearch.stores.field_text import FieldText
from omnisearch.stores.tokens import words_of
from omnisearch.types import Modality
from omnisearch_indexer.session import index_files
from tests.search.test_candidates import (
    CALIBRATION,
    A,
    B,
    C,
    Memory,
    everything,
    item_of,
    judge_of,
    searched,
    seeds,
    units,
)

# The log-odds against a match, of words that count little beside vectors and of words that decide.
WEAK, STRONG = 3.0, -3.0
# The calibration of texts, by which their cosines count more than those of contents.
LIKELIER = replace(CALIBRATION, config=RelevanceConfig(slope=1.5, threshold=0.5))
EXPRESSIONS = [A, A + B, A & B, A | B, A & ~B, (A | B) & ~C, A >> B]


def test_words_are_runs_of_letters_and_digits_of_any_script() -> None:
    assert words_of("The IMG_2041.JPG, Über-Größe 東京!") == ["the", "img", "2041", "jpg", "über", "grösse", "東京"]
    assert query_weights("the dog and a DOG") == query_weights("dog")
    kept = set(document_weights([FieldText("name", "/DogBark/IMG2041.jpg")]).indices)
    assert all(kept.intersection(query_weights(word).indices) for word in ("dogbark", "bark", "2041", "img"))


@given(st.integers(1, 10_000), st.lists(st.integers(1, 10_000), min_size=1, max_size=5, unique=True))
def test_the_odds_of_words_are_those_of_independent_words(points: int, rarities: list[int]) -> None:
    """Bayes by hand: each of k words is in one of r segments, and one of 100 matches.

    The first word is in half of those that match, and the others are in a quarter.
    """
    shares = [1 / (r + 1) for r in rarities]
    score = np.array([sum(-log(u) for u in shares)], np.float32)
    having = 0.5 * 0.25 ** (len(shares) - 1)
    bayes = (1 / 99) * having / np.prod(shares) * (points + 256) / points
    text = " ".join(f"w{n}" for n in range(len(shares)))
    found = query_words(Term(text).leaves[0], points)
    assert found is not None
    assume(abs(log(9 * bayes)) > 0.01)  # a relevance of 0.1, where rounding decides
    near = score + np.float32(found.neighbours.apart)
    assert found.odds(near)[0] == (pytest.approx(log(bayes), abs=1e-3) if 9 * bayes > 1 else -np.inf)
    assert found.odds(np.zeros(1, np.float32))[0] == -np.inf


def test_only_texts_that_are_added_have_words(tmp_path: Path) -> None:
    total = (Term("old dog") - Term("cat") + Term(tmp_path / "bird.wav")).leaves[0]
    found = query_words(total, 1000)
    assert found is not None
    assert found.words == query_weights("old dog")
    assert query_words(Term(tmp_path / "bird.wav").leaves[0], 1000) is None
    assert query_words(Term("the").leaves[0], 1000) is None


def test_words_count_as_the_weights_of_their_texts() -> None:
    sums = (Term("old dog") + 0.1 * Term("cat"), 20 * Term("old dog") + 2 * Term("cat"))
    found = [query_words(total.leaves[0], 1000) for total in sums]
    assert found[0] == found[1]  # weights are relative
    words = dict(zip(*found[0].words.plain(), strict=True)) if found[0] else {}
    old, cat = (dict(zip(*query_weights(text).plain(), strict=True)) for text in ("old dog", "cat"))
    assert words == pytest.approx(old | {form: 0.1 * weight for form, weight in cat.items()})
    among_files = query_words((Term("cat") + 4 * Term(Path("bird.wav"))).leaves[0], 1000)
    assert among_files is not None
    assert among_files.words.values == pytest.approx([0.25 * weight for weight in query_weights("cat").values])


class WordedMemory(Memory):
    """A `share` of points has each of three words, which weighs as its index says; counts the points it gave.

    A share of `texts` has a text vector.
    """

    def __init__(self, seed: int, items: int, share: float, texts: float = 0) -> None:
        super().__init__(seed, items)
        rng = np.random.default_rng(seed + 7)
        self.points = [
            replace(p, text_vector=vector) if rng.random() < texts else p
            for p, vector in zip(self.points, units(rng, len(self.points)), strict=True)
        ]
        self.words = {p.id: {n for n in range(3) if rng.random() < share} for p in self.points}
        self.given = 0

    def score(self, point: Point, words: SparseVector) -> float:
        return float(sum(2.0 + index for index in words.indices if index in self.words[point.id]))

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        self.asked["search"] += 1
        answers = [self._answer(lookup) for lookup in lookups]
        self.given += sum(len(answer) for answer in answers)
        return answers

    def _answer(self, lookup: Lookup) -> list[Scored]:
        if lookup.using == "text":
            assert not isinstance(lookup.vector, SparseVector)
            having = [(p, float(t @ lookup.vector)) for p in self.points if (t := p.text_vector) is not None]
            found = [Scored(p.id, score, p.payload.place, p.vector, p.text_vector) for p, score in having]
            return sorted(found, key=lambda s: -s.score)[: lookup.limit]
        if not isinstance(lookup.vector, SparseVector):
            among = {found.id for found in self._answer(lookup.among)} if lookup.among else set(self.words)
            near = self.nearest(lookup.vector)
            return [found for found in near if found.id in among and self.passes(found, lookup)][: lookup.limit]
        among = [p for p in self.points if self.passes(p, lookup)]
        found = [Scored(p.id, self.score(p, lookup.vector), p.payload.place, p.vector, p.text_vector) for p in among]
        enough = (s for s in found if s.score and (lookup.least is None or s.score >= lookup.least))
        return sorted(enough, key=lambda s: -s.score)[: lookup.limit]

    def passes(self, point: Point | Scored, lookup: Lookup) -> bool:
        return super().passes(point, lookup) and item_of(point) not in lookup.filter.exclude_item_ids


def worded(scorer: Scorer, against: float) -> Scorer:
    indices = {s: tuple("abc".index(str(term)) for term in s.terms) for s in scorer.leaves}
    return replace(
        scorer, words={s: QueryWords(SparseVector(at, (1.0,) * len(at)), against, 9999) for s, at in indices.items()}
    )


def judge(expression: Expression, seed: int, against: float) -> Scorer:
    if expression in (A, A & B, A | B, A & ~B, (A | B) & ~C, A >> B):
        return worded(judge_of(expression, seed), against)
    alone = judge_of(A, seed)
    (leaf,), (total,) = alone.leaves.values(), expression.leaves
    calibrations = {total: next(iter(alone.calibrations.values()))}
    bare = Scorer(expression, {total: leaf}, calibrations)
    return replace(bare, words={total: QueryWords(SparseVector((0, 1), (1.0, 1.0)), against, 9999)})


@settings(max_examples=40)
@given(
    seeds,
    st.integers(1, 400),
    st.sampled_from([0.02, 0.2, 1.0]),
    st.sampled_from([WEAK, STRONG]),
    st.integers(1, 20),
    st.sampled_from(EXPRESSIONS),
    st.sampled_from([0, 0.02, 0.5, 1]),
)
def test_the_first_hits_are_those_of_judging_everything(
    seed: int, items: int, share: float, against: float, limit: int, expression: Expression, texts: float
) -> None:
    store, asked = WordedMemory(seed, items, share, texts), judge(expression, seed, against)
    if texts:
        asked = replace(asked, text_calibrations=dict.fromkeys(asked.leaves, LIKELIER))
    scores = {s: {p.id: store.score(p, w.words) for p in store.points} for s, w in asked.words.items()}
    found = searched(store, asked, limit)
    wanted = rank(asked, everything(store), scores)
    assert len(found) >= min(limit, len(wanted))
    wanted = wanted[: len(found)]
    assert [one.odds for one in found] == pytest.approx([one.odds for one in wanted], abs=1e-4)


def test_of_a_rare_word_one_call_is_enough() -> None:
    store = WordedMemory(0, 3300, 1 / 100)
    assert 0 < sum(0 in words for words in store.words.values()) < RARE
    searched(store, judge(A, 0, STRONG), 10)
    assert store.asked == {"search": 1}


def test_of_a_common_word_only_the_nearest_are_read() -> None:
    """A tenth of 10,000 segments have the word and tie: three pages, and the words of what they hold, are enough."""
    store = WordedMemory(0, 3300, 1 / 10)
    assert sum(0 in words for words in store.words.values()) > 8 * DEPTH
    searched(store, judge(A, 0, STRONG), 10)
    assert store.asked == {"search": 3}
    assert store.given < 8 * DEPTH


@pytest.fixture
def engine(asked: Engine) -> Iterator[Engine]:
    return asked


def names(engine: Engine, query: Query) -> list[str]:
    return [Path(hit.path).name for hit in engine.search(query).hits]


@pytest.mark.parametrize(
    ("text", "name"),
    [("IMG 2041", "IMG_2041.wav"), ("2041", "IMG_2041.wav"), ("the falling", "falling.wav"), ("flag", "flag.png")],
)
def test_a_name_finds_its_file(engine: Engine, text: str, name: str) -> None:
    """No vector knows these words, so without them the order is chance."""
    worded = Query(Term(text), limit=100, words=True, fold=False)
    found = engine.search(worded).hits
    assert Path(found[0].path).name == name
    plain = {hit.id: hit.relevance for hit in engine.search(replace(worded, words=False)).hits}
    assert found[0].relevance > plain[found[0].id]
    assert {hit.id: hit.relevance for hit in found[1:]} == pytest.approx(
        {hit.id: plain[hit.id] for hit in found[1:]}, abs=1e-6
    )


def test_a_word_deep_in_a_text_is_found_and_explained(engine: Engine) -> None:
    query = Query(Term("whalebone"), modalities=(Modality.TEXT,), words=True, explain=True)
    hit = engine.search(query).hits[0]
    assert Path(hit.path).name == "poem.txt"
    assert hit.explanation is not None
    given = hit.explanation.calibration
    near = given["slope"] * (given["z"] - given["threshold"])
    assert given["words"] > 0
    said = given["words"] - given["against"]
    assert hit.explanation.odds == pytest.approx(np.logaddexp.reduce([near, said, near + said]))
    assert sum(match.contribution for match in hit.matched_by) == pytest.approx(hit.score, abs=1e-5)


def test_a_query_without_words_is_the_same_either_way(engine: Engine, collection: Path) -> None:
    query = Query(Term(collection / "flag.png"))
    assert engine.search(replace(query, words=True)).hits == engine.search(query).hits


def test_conditions_pages_and_groups_hold_for_words(engine: Engine) -> None:
    whole = Query(Term("red falling"), limit=100, words=True)
    everything = engine.search(whole).hits
    wavs = engine.search(replace(whole, where=parse_conditions(["path:*.wav"]))).hits
    assert [hit.id for hit in wavs] == [hit.id for hit in everything if hit.path.endswith(".wav")]
    first = engine.search(replace(whole, limit=3))
    rest = engine.search(replace(whole, cursor=first.next_cursor or ""))
    assert [hit.id for hit in (*first.hits, *rest.hits)] == [hit.id for hit in everything]
    groups = engine.search(replace(whole, group="modality")).hits
    assert sorted(hit.id for hit in groups) == sorted(hit.id for hit in everything)
    both = Query(Term("falling") & Term("high"), words=True)
    assert names(engine, both)[0] == "falling.wav"


def older_words(payload: Payload) -> SparseVector:
    """The words of the version before: runs of letters and digits."""
    said = "\n".join((payload.path, payload.passage or payload.snippet))
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", said))
    return SparseVector(*zip(*{zlib.crc32(w.casefold().encode()): 1.0 for w in ("", *words)}.items(), strict=True))


@pytest.fixture
def menus(tmp_path: Path) -> Path:
    folder = tmp_path / "menus"
    (folder / "backup").mkdir(parents=True)
    (folder / "tower.txt").write_text("きのう 私は東京タワーを見た。", encoding="utf-8")
    (folder / "paris.txt").write_text("Le Café de la Paix.", encoding="utf-8")
    (folder / "plain.txt").write_text("Nothing of note.")
    (folder / "backup" / "Rechnung_77.txt").write_text("Nothing of note.")
    for n in range(8):
        (folder / f"other{n}.txt").write_text(f"Other text {n}.")
    return folder


def raised(settings: Settings, text: str) -> set[str]:
    """The files that are more relevant with words than without."""
    query = Query(Term(text), limit=100, words=True, fold=False)
    with Engine.open(settings) as engine:
        plain = {hit.path: hit.relevance for hit in engine.search(replace(query, words=False)).hits}
        found = engine.search(query).hits
    return {Path(hit.path).name for hit in found if hit.relevance > plain[hit.path] + 1e-6}


def test_accents_runs_without_spaces_and_names_of_copies_are_found_in_an_older_index_after_the_next_run(
    menus: Path, hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1)
    with monkeypatch.context() as older:
        flat = Payload.flat
        older.setattr(Payload, "flat", lambda self: {k: v for k, v in flat(self).items() if k != "names"})
        older.setattr(Payload, "words", property(older_words))
        for module in ("path_labels", "facts_version"):
            older.setattr(f"omnisearch_indexer.{module}.FORMS", 1)
        index_files([menus], settings)
    # As before: the words that it holds are found, and nothing else.
    held = {"Café": {"paris.txt"}, "私は東京タワーを見た": {"tower.txt"}, "note": {"Rechnung_77.txt"}}
    assert {text: raised(settings, text) for text in held} == held
    new = {"cafe": {"paris.txt"}, "東京": {"tower.txt"}, "塔": set(), "plain": {"Rechnung_77.txt"}}
    assert all(not raised(settings, text) for text in new)
    monkeypatch.setattr("omnisearch_indexer.encoder.Encoder.encode", None)
    report = index_files([menus], settings)
    assert (report.failed, report.segments) == (0, 0)
    assert {text: raised(settings, text) for text in held | new} == held | new
