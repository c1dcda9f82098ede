"""Phrases in six scripts: a thing and a place, each pair once, so that a phrase is in one file only."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Script:
    """A script with words of one of its languages. `joined` combines a thing and a place."""

    language: str
    joined: str
    things: tuple[str, ...]
    places: tuple[str, ...]


def _read() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8"))


SCRIPTS: Mapping[str, Script] = {
    name: Script(row["language"], row["joined"], tuple(row["things"]), tuple(row["places"]))
    for name, row in _read()["scripts"].items()
}
# What the voices say in other languages than English.
SENTENCES: Mapping[str, Sequence[str]] = _read()["sentences"]
_REWORDED: Mapping[str, Mapping[str, Sequence[str]]] = _read()["reworded"]


def reworded(phrase: str) -> Mapping[str, str]:
    """Return an English phrase or sentence of the corpus in other words, `en`, and in German and Chinese."""
    latin, chinese = SCRIPTS["latin"], SCRIPTS["chinese"]
    thing = next(n for n, each in enumerate(latin.things) if each in phrase)
    place = next(n for n, each in enumerate(latin.places) if each in phrase)
    others = {language: f"{rows['things'][thing]} {rows['places'][place]}" for language, rows in _REWORDED.items()}
    return {**others, "zh": chinese.joined.format(chinese.things[thing], chinese.places[place])}


class Phrases:
    """Deals the phrases of each script, and the sentences of other languages, in a random order, each once."""

    def __init__(self, random: np.random.Generator) -> None:
        self._left = {name: _shuffled(random, product(s.things, s.places)) for name, s in SCRIPTS.items()}
        foreign = [(language, text) for language, texts in SENTENCES.items() for text in texts]
        self._foreign = _shuffled(random, foreign)

    def phrase(self, script: str) -> str:
        """Return a phrase."""
        return SCRIPTS[script].joined.format(*next(self._left[script]))

    def sentence(self) -> str:
        """Return an English sentence. Its words are not those of any phrase."""
        return "The {} is {}.".format(*next(self._left["latin"]))

    def foreign_sentence(self) -> tuple[str, str]:
        """Return a language and a sentence in it."""
        return next(self._foreign)


def _shuffled(random: np.random.Generator, every: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    listed = list(every)
    return iter([listed[n] for n in random.permutation(len(listed))])
