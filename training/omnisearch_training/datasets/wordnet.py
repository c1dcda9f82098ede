"""The nouns of WordNet: explain names by synonyms, hypernyms and glosses.

File format: wndb(5WN) of WordNet 3.0, index.noun and data.noun.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from omnisearch_training.datasets.fetch_package import Package, Registry

WORDNET = Package(Registry.DEBIAN, "wordnet-base")


# Lexicographer files (lexnames(5WN)) of visible things: animals, artifacts, body parts, food, objects, people,
# phenomena, plants; and of audible things: animals, artifacts, events, phenomena.
VISIBLE = frozenset({5, 6, 8, 13, 17, 18, 19, 20})
AUDIBLE = frozenset({5, 6, 11, 19})
_FIELDS = {
    5: "animal",
    6: "artifact",
    8: "part of a body",
    11: "event",
    13: "food",
    17: "object",
    18: "person",
    19: "phenomenon",
    20: "plant",
}


@dataclass(frozen=True)
class Synset:
    """A meaning: its words, the broader meaning it is a kind of (an offset), and its gloss without examples.

    `field` is the lexicographer file, the field of things it belongs to.
    """

    field: int
    words: tuple[str, ...]
    broader: int | None
    gloss: str


class WordNet:
    """Meanings by word and by offset."""

    def __init__(self, package: Path) -> None:
        folder = package / "usr/share/wordnet"
        self.synsets = dict(_synset(line) for line in _lines(folder / "data.noun"))
        self._senses = dict(_senses(line) for line in _lines(folder / "index.noun"))

    def meaning(self, name: str, fields: frozenset[int] = VISIBLE) -> Synset | None:
        """Return the most common meaning of a name within `fields`, else of its last word, else of its first."""
        words = name.lower().replace("-", " ").split()
        for candidate in ("_".join(words), *words[-1:], *words[:1]):
            for form in (candidate, candidate.removesuffix("s"), candidate.removesuffix("es")):
                senses = (self.synsets[offset] for offset in self._senses.get(form, ()))
                found = next((sense for sense in senses if sense.field in fields), None)
                if found is not None:
                    return found
        return None

    def knows(self, word: str) -> bool:
        """Return whether `word` is a noun."""
        return word.lower() in self._senses

    def describe(self, name: str, fields: frozenset[int] = VISIBLE) -> str | None:
        """Describe what a name means without the name: its field, its hypernym and its gloss."""
        meaning = self.meaning(name, fields)
        if meaning is None:
            return None
        kind = f", a kind of {self.synsets[meaning.broader].words[0]}" if meaning.broader is not None else ""
        return f"{_FIELDS[meaning.field]}{kind}: {meaning.gloss}"

    def explain(self, name: str, fields: frozenset[int] = VISIBLE) -> str | None:
        """Explain a name in one line: its synonyms, its hypernym and its gloss."""
        meaning = self.meaning(name, fields)
        if meaning is None:
            return None
        others = [word for word in meaning.words if word.lower() != name.lower()][:3]
        also = f", also {', '.join(others)}" if others else ""
        kind = self.synsets[meaning.broader].words[0] if meaning.broader is not None else ""
        return f"{name}{also}{f', a kind of {kind}' if kind else ''}: {meaning.gloss}"


@lru_cache(maxsize=1)
def load_wordnet(package: Path) -> WordNet:
    """Read the nouns once per process (a second)."""
    return WordNet(package)


def _lines(path: Path) -> list[str]:
    # The files start with the licence, indented.
    return [line for line in path.read_text(encoding="latin-1").splitlines() if line and not line.startswith(" ")]


def _synset(line: str) -> tuple[int, Synset]:
    data, _, gloss = line.partition(" | ")
    fields = data.split()
    count = int(fields[3], 16)
    words = tuple(word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2])
    pointers = fields[5 + 2 * count :]
    broader = next((int(pointers[i + 1]) for i in range(0, len(pointers) - 3, 4) if pointers[i].startswith("@")), None)
    return int(fields[0]), Synset(int(fields[1]), words, broader, gloss.split('; "')[0].strip())


def _senses(line: str) -> tuple[str, tuple[int, ...]]:
    fields = line.split()
    return fields[0], tuple(int(offset) for offset in fields[-int(fields[2]) :])
