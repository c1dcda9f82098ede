"""Composition: properties of the embedding sum."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.errors import QueryError
from omnisearch.query.expressions import Term
from omnisearch.search.plan.compose import compose, query_vector
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.types import Floats, Modality


def units(seed: int, n: int, dim: int = 16) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


seeds = st.integers(0, 1000)
weight = st.floats(0.1, 3) | st.floats(-3, -0.1)
weights = st.lists(weight, min_size=1, max_size=5)


@given(seeds, weights)
def test_the_query_has_unit_length_and_the_scaled_terms_add_up_to_it(seed: int, chosen: list[float]) -> None:
    vectors = units(seed, len(chosen))
    query, scales = compose(vectors, chosen)
    np.testing.assert_allclose(np.linalg.norm(query), 1, atol=1e-5)
    np.testing.assert_allclose(scales @ vectors, query, atol=1e-5)


@given(seeds, weights, st.floats(0.01, 100))
def test_scaling_all_weights_changes_nothing(seed: int, chosen: list[float], factor: float) -> None:
    vectors = units(seed, len(chosen))
    scaled, _ = compose(vectors, [factor * w for w in chosen])
    np.testing.assert_allclose(scaled, compose(vectors, chosen)[0], atol=1e-5)


@given(seeds, weights)
def test_order_changes_nothing(seed: int, chosen: list[float]) -> None:
    vectors = units(seed, len(chosen))
    turned, _ = compose(vectors[::-1], chosen[::-1])
    np.testing.assert_allclose(turned, compose(vectors, chosen)[0], atol=1e-5)


@given(seeds, st.floats(0.1, 5))
def test_one_term_composed_is_that_term(seed: int, chosen: float) -> None:
    vectors = units(seed, 1)
    np.testing.assert_allclose(compose(vectors, [chosen])[0], vectors[0], atol=1e-6)


@given(seeds, st.floats(0.1, 3))
def test_subtracting_a_term_brings_the_query_away_from_it(seed: int, chosen: float) -> None:
    vectors = units(seed, 2)
    assert compose(vectors, [1, -chosen])[0] @ vectors[1] < vectors[0] @ vectors[1] + 1e-6


def test_terms_that_cancel_out_are_an_error() -> None:
    vectors = units(0, 1).repeat(2, axis=0)
    with pytest.raises(QueryError, match="cancel out"):
        compose(vectors, [1, -1])


def test_a_sum_knows_what_it_was_made_of_by_weights_without_signs() -> None:
    dog, bark, puppy, raw = terms = [Term(name) for name in ("a dog", "bark.wav", "a puppy", "numbers")]
    kinds = (Modality.TEXT, Modality.AUDIO, Modality.TEXT, None)
    embedded = {
        term: EmbeddedTerm(*each) for term, each in zip(terms, zip(units(0, 4), kinds, strict=True), strict=True)
    }
    (total,) = (dog + 2 * bark - 0.5 * puppy + 0.5 * raw).leaves
    weighed = {
        replace(term, weight=weight): embedded[term] for term, weight in zip(terms, (1, 2, -0.5, 0.5), strict=True)
    }
    found = query_vector(total, weighed)
    assert found.shares == pytest.approx({Modality.TEXT: 1.5 / 4, Modality.AUDIO: 2 / 4, None: 0.5 / 4})
