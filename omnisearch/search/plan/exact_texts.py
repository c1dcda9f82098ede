"""Exact texts: items whose file has the typed name, and segments with the quoted phrases, which are certain matches."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from omnisearch.query.expressions import Sum
from omnisearch.query.phrases import phrases
from omnisearch.search.plan.compose import QueryVector
from omnisearch.search.rank.lexical import QueryWords
from omnisearch.search.rank.proximity import joined_texts
from omnisearch.stores.base import FIRST, Filter, Lookup, Payload, Scored, VectorStore
from omnisearch.stores.bm25 import phrase_weights
from omnisearch.stores.keyword_index import same_name
from omnisearch.stores.tokens import has_phrase

# The most items of a name, and the most segments in which phrases, and the places of words, are looked for.
NAMED, PHRASED, PLACED = 64, 256, 64
_FILE_NAME = re.compile(r"[^/\n]*[^/\s.][^/\n]*\.\w{1,10}")


def find_named(store: VectorStore, query: QueryVector, chosen: Filter) -> list[Scored]:
    """Return one point of each `chosen` item whose file has the name that is the only text of a sum.

    The name may have folders before it. Case is ignored.
    """
    asked = query.sum.added_texts
    name = asked[0].strip().rpartition("/")[2] if len(asked) == len(query.sum.terms) == 1 else ""
    if not _FILE_NAME.fullmatch(name):
        return []
    named = Filter(**vars(chosen) | {"names": (name,), "segments": FIRST})
    [found] = store.search([Lookup(query.vector, NAMED, named)], with_vectors=True)
    ending = f"/{same_name(asked[0].strip().lstrip('/'))}"
    if "/" not in ending[1:]:
        return found
    payloads = store.payloads([point.id for point in found])
    return [p for p in found if p.id in payloads and f"/{same_name(payloads[p.id].path)}".endswith(ending)]


def find_phrases(store: VectorStore, total: Sum, chosen: Filter) -> list[Scored]:
    """Return the `chosen` segments that have all phrases of a sum in one of their texts each."""
    quoted = [phrase for text in total.added_texts for phrase in phrases(text)]
    if not quoted:
        return []
    [page] = store.search([Lookup(phrase_weights(quoted), PHRASED, chosen)], with_vectors=True)
    whole = store.scroll(Filter(ids=tuple(point.id for point in page))) if page else ()
    having = {point.id for point in whole if _has_all(point.payload, quoted)}
    return [point for point in page if point.id in having]


def find_placed(store: VectorStore, words: QueryWords, chosen: Filter) -> list[Scored]:
    """Read the `chosen` segments with the highest BM25, and return those whose words are evidence of a match.

    Their `score` also has the evidence of the places of these words.
    """
    if not words.neighbours.pairs:
        return []
    [page] = store.search([Lookup(words.words, PLACED, chosen, least=words.least_placed)], with_vectors=True)
    whole = store.scroll(Filter(ids=tuple(point.id for point in page))) if page else ()
    texts = {point.id: point.payload.texts for point in whole}
    found = [replace(p, score=words.placed(p.score, texts[p.id])) for p in page if p.id in texts]
    odds = words.odds(np.array([point.score for point in found], np.float32))
    return [point for point, each in zip(found, odds, strict=True) if each > -np.inf]


def _has_all(payload: Payload, quoted: Sequence[str]) -> bool:
    texts = tuple(joined_texts(payload.texts))
    return all(any(has_phrase(text, phrase) for text in texts) for phrase in quoted)
