"""Roles: a text tower with prompts embeds queries and documents differently; other models ignore the role."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import Term
from omnisearch.search.plan.embed import Embedder
from omnisearch.spaces.declared import modern
from omnisearch.spaces.towers import TOWERS
from omnisearch.types import Modality, Role

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
PROMPTS = {Role.QUERY: "find {text}", Role.DOCUMENT: "the text {text}"}


def load(folder: Path) -> OmniBind:
    return OmniBind.load(str(folder), load_settings())


@pytest.fixture
def plain(hashed_model: Path) -> OmniBind:
    return load(hashed_model)


@pytest.fixture
def prompted(plain: OmniBind, hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> OmniBind:
    monkeypatch.setitem(TOWERS, "hashed_text", replace(TOWERS["hashed_text"], prompts=PROMPTS))  # type: ignore[arg-type]
    return load(hashed_model)


def test_a_prompt_surrounds_the_text_of_its_role(prompted: OmniBind, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {role: prompted.encode(TEXT, ["red {text}"], role) for role in Role}
    monkeypatch.undo()
    for role, start in ((Role.QUERY, "find "), (Role.DOCUMENT, "the text ")):
        np.testing.assert_array_equal(found[role], prompted.encode(TEXT, [f"{start}red {{text}}"], role))
    assert not np.allclose(found[Role.QUERY], found[Role.DOCUMENT])


def test_pictures_have_no_prompt(prompted: OmniBind) -> None:
    picture = np.full((8, 8, 3), 200, np.uint8)
    first, second = (prompted.encode(IMAGE, [picture], role) for role in Role)
    np.testing.assert_array_equal(first, second)


def test_without_prompts_the_role_changes_nothing(plain: OmniBind) -> None:
    first, second = (plain.encode(TEXT, ["red dog"], role) for role in Role)
    np.testing.assert_array_equal(first, second)


def test_an_index_made_with_other_prompts_is_of_another_model(plain: OmniBind, prompted: OmniBind) -> None:
    assert plain.fingerprint != prompted.fingerprint


def test_texts_are_remembered_by_role_and_files_are_documents(prompted: OmniBind, tmp_path: Path) -> None:
    class Index:
        model = prompted

    path = tmp_path / "red.txt"
    path.write_text("red dog")
    term, file, index = Term("red dog"), Term(path), Index()
    with DecoderPool(load_settings(), workers=1) as pool:
        embedder = Embedder(pool)
        found = {role: embedder.embed(index, [term, file], role=role) for role in Role}  # type: ignore[arg-type]
    for role in Role:
        np.testing.assert_allclose(found[role][term].vector, prompted.encode(TEXT, ["red dog"], role)[0], atol=1e-6)
        np.testing.assert_allclose(found[role][file].vector, found[Role.DOCUMENT][term].vector, atol=1e-6)


def test_embedding_gemma_has_the_prompts_of_its_card() -> None:
    by_name = {spec.name: spec for spec in modern.TOWERS}
    assert {role: by_name["embedding_gemma_text"].prompts[role].format(text="x") for role in Role} == {
        Role.QUERY: "task: search result | query: x",
        Role.DOCUMENT: "title: none | text: x",
    }
