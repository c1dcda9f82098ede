"""Recall by language: a planted model of two text branches, of which one knows German."""

from collections.abc import Sequence

import numpy as np
import pytest

from omnisearch.binding.config import FixedConfig, ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality, SpaceEmbeddings
from omnisearch_training.datasets import Record, Split
from omnisearch_training.datasets.split import source_id
from omnisearch_training.evaluate import languages, report_tables
from omnisearch_training.evaluate import report as reports
from omnisearch_training.evaluate.ground_truth import Entry, Truth
from omnisearch_training.evaluate.languages import answer_other_languages, evaluate_languages
from omnisearch_training.evaluate.recall import Question, Side

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
CONCEPTS = [f"thing {chr(97 + i)}" for i in range(12)]
DIM = 12


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> OmniBind:
    """Reads "en thing a" in the space `english`, "de thing a" in the space `other`; what it cannot read, as thing a."""

    def encode_texts(_: OmniBind, __: object, texts: Sequence[str]) -> SpaceEmbeddings:
        eye = np.eye(DIM, dtype=np.float32)
        rows = [CONCEPTS.index(text[3:]) for text in texts]
        known = {"english": "en", "other": "de"}
        return {
            (space, TEXT): eye[[row if text.startswith(tongue) else 0 for row, text in zip(rows, texts, strict=True)]]
            for space, tongue in known.items()
        }

    monkeypatch.setattr(languages, "encode_texts", encode_texts)
    config = {
        "name": "planted",
        "licence": "CC0",
        "dim": DIM,
        "projectors": {"english": {"kind": "identity"}, "other": {"kind": "identity"}},
        "branches": {
            "text": [{"parts": {"english": 1}}, {"parts": {"other": 1}}],
            "image": [{"parts": {"english": 1}}],
            "audio": [{"parts": {"english": 1}}],
        },
        "routers": {
            part: {"kind": "fixed", "factors": [1] * n} for part, n in (("text", 2), ("image", 1), ("audio", 1))
        },
    }
    fusion = Fusion(ModelConfig.model_validate(config), {"english": DIM, "other": DIM}).eval()
    return OmniBind(fusion, {}, "planted", {})


def named_in_two_languages(concepts: Sequence[str], split: Split) -> list[Record]:
    return [
        Record(f"emoji_names/{tongue}/{name}", name, split, (name, f"{tongue} {name}"), {}, "")
        for tongue in ("en", "de")
        for name in concepts
    ]


def test_each_branch_is_asked_in_each_language(model: OmniBind) -> None:
    pictures = Side(tuple(Entry(name, name) for name in CONCEPTS), {("english", IMAGE): np.eye(DIM, dtype=np.float32)})
    names = named_in_two_languages([*CONCEPTS, "thing that no picture shows"], Split.TEST)
    found = evaluate_languages(model, None, {"emoji_names": names}, {IMAGE: pictures})  # type: ignore[arg-type]
    assert [(each.language, each.target) for each in found] == [("en", IMAGE), ("de", IMAGE)]
    english, german = ({name: recall.at[1] for name, recall in each.recalls.items()} for each in found)
    assert list(english) == ["bound", "only english", "only other", "uniform", "hand-set", "oracle"]
    assert english["only english"] == german["only other"] == 100
    assert english["oracle"] == german["oracle"] == 100
    assert [each.factors for each in found] == [{"text:english": 0.5, "text:other": 0.5}] * 2
    assert english["only other"] == german["only english"] < 10
    assert {each.recalls["bound"].queries for each in found} == {len(CONCEPTS)}
    report = report_tables._languages([reports.language_row(each) for each in found])
    assert "| mean of 1 | image |" in report


def test_other_languages_are_one_question_of_an_ablation(model: OmniBind) -> None:
    pictures = Side(tuple(Entry(name, name) for name in CONCEPTS), {("english", IMAGE): np.eye(DIM, dtype=np.float32)})
    asked = {"emoji_names": named_in_two_languages(CONCEPTS, Split.TEST)}
    german = model.varied({TEXT: FixedConfig(factors=(0, 1))}, ())
    english = model.varied({TEXT: FixedConfig(factors=(1, 0))}, ())
    found = [answer_other_languages(each, None, asked, {IMAGE: pictures}) for each in (german, english)]  # type: ignore[arg-type]
    question = Question("other languages", IMAGE, Truth.NAME)
    assert [list(each) for each in found] == [[question]] * 2
    right, wrong = (each[question].recall() for each in found)
    assert (right.queries, right.at[1]) == (len(CONCEPTS), 100)
    assert wrong.at[1] < 10


def test_centroids_of_languages_choose_the_branch(model: OmniBind, monkeypatch: pytest.MonkeyPatch) -> None:
    router = {"kind": "learned", "inputs": ["english"], "hidden": [4, 4], "scale": 0.1}
    document = model.config.model_dump()
    document["routers"]["text"] = router
    learned = OmniBind(
        Fusion(ModelConfig.model_validate(document), {"english": DIM, "other": DIM}).eval(), {}, "learned", {}
    )
    pictures = Side(tuple(Entry(name, name) for name in CONCEPTS), {("english", IMAGE): np.eye(DIM, dtype=np.float32)})
    taught = named_in_two_languages(CONCEPTS, Split.TRAIN)
    monkeypatch.setattr(languages, "open_named", lambda _: taught)
    asked = {"emoji_names": named_in_two_languages(CONCEPTS[1:], Split.TEST)}
    found = evaluate_languages(learned, None, asked, {IMAGE: pictures})  # type: ignore[arg-type]
    assert [each.recalls["centroids"].at[1] for each in found] == [100, 100]
    assert min(each.recalls["bound"].at[1] for each in found) < 100  # the router was not trained


def test_translations_are_whole() -> None:
    rows = [line.split("\t") for line in languages.TRANSLATIONS.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["en", "de", "fr", "es", "zh", "ja"]
    assert all(len(row) == 6 and all(row) for row in rows)
    assert len({source_id(row[0]) for row in rows}) == len(rows)
