"""Sounds with descriptive file names: one reader for the game and sample packages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.fetch_package import Package, Registry
from omnisearch_training.datasets.wordnet import AUDIBLE, WORDNET, load_wordnet

_EMPTY_FOLDERS = frozenset({"sound", "bot_sounds", "item_sounds", "atlanteans", "barbarians", "empire", "world"})
_SUFFIXES = frozenset({".wav", ".ogg", ".oga", ".flac", ".mp3"})


@dataclass(frozen=True)
class NamedSounds:
    """Reads the sounds below `folder` of a Debian package.

    `drop` is a pattern of paths (relative to `folder`) whose names do not describe the sound:
    music, speech, interface blips.
    `say` rewrites parts of the words of a name: {"bd": "bass drum"} makes "bd boom" into "bass drum boom".
    `keywords` are added to every sound, and so are the words of its folders, unless `folders` is false.
    """

    package: Package
    folder: str
    drop: str = r"(?!)"
    say: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    folders: bool = True

    def __call__(self, workshop: Workshop) -> Iterator[Draft]:
        """Yield every sound with a name."""
        root = workshop.packages[self.package.name] / self.folder
        yield from self.read(root, workshop.packages[WORDNET.name])

    def read(self, root: Path, wordnet: Path) -> Iterator[Draft]:
        """Yield every sound with a name below `root`."""
        nouns = load_wordnet(wordnet)
        for path in sorted(root.rglob("*")):
            key = path.relative_to(root).as_posix()
            if path.suffix.lower() not in _SUFFIXES or re.search(self.drop, key):
                continue
            name = self.name_of(path.stem)
            if not name:
                continue
            parents = Path(key).parts[:-1] if self.folders else ()
            folders = [words_of(part) for part in parents if part not in _EMPTY_FOLDERS]
            meaning = nouns.explain(name, AUDIBLE)
            details = (*with_keywords(name, [*folders, *self.keywords]), *([meaning] if meaning else ()))
            yield Draft(key, name, {Modality.AUDIO: path}, details)

    def name_of(self, stem: str) -> str:
        """Convert a file's name to words."""
        # One pass, the longest part first, so that no replacement is replaced again.
        parts = sorted(self.say, key=len, reverse=True)
        pattern = re.compile("|".join(rf"\b({part})\b" for part in parts) or r"(?!)")
        words = pattern.sub(lambda match: self.say[parts[(match.lastindex or 1) - 1]], words_of(stem))
        return " ".join(words.split())


def declare_sounds(name: str, about: str, sounds: NamedSounds, licence: str, expected: int) -> Declaration:
    """Declare the named sounds of one package as a dataset."""
    packages = (sounds.package, WORDNET)
    return Declaration(name, about, (Modality.AUDIO,), packages, licence, expected, sounds)


def debian(name: str) -> Package:
    """Name a Debian package."""
    return Package(Registry.DEBIAN, name)
