"""Tux Paint's stamps: cut-out photographs and drawings, each with a sentence, and the noises of many of them."""

import re
from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.named_sounds import debian
from omnisearch_training.datasets.raster import rasterise
from omnisearch_training.datasets.wordnet import VISIBLE, WORDNET, load_wordnet

STAMPS = debian("tuxpaint-stamps-default")

# Letters, digits, coins and signs are not pictures of a thing.
_NOISE = re.compile(
    r"symbols/(alphabets|math|money|chess|shapes)|town/(flags|roadsigns)|people/body_parts|symbols/faces"
)
_LANGUAGE = re.compile(r"_desc|_[a-z]{2,3}(_[A-Z]{2})?$")
_NOISES = {
    "cat": "cat meowing",
    "cow": "cow mooing",
    "dog": "dog barking",
    "duck": "duck quacking",
    "horse": "horse neighing",
    "lion": "lion roaring",
    "owl": "owl hooting",
    "pig": "pig grunting",
    "rooster": "rooster crowing",
    "sheep": "sheep bleating",
    "wolf": "wolf howling",
}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Yield every stamp with a sentence: its picture, and its noise as a separate item."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    root = workshop.packages[STAMPS.name] / "usr/share/tuxpaint/stamps"
    stamps = [text for text in sorted(root.rglob("*.txt")) if not _NOISE.search(text.relative_to(root).as_posix())]
    pictures = _pictures(stamps, root, workshop.out)
    for text in stamps:
        key = text.relative_to(root).with_suffix("").as_posix()
        sentence = text.read_text(encoding="utf-8").splitlines()[0].strip()
        name = sentence.rstrip(".!").removeprefix("A ").removeprefix("An ").removeprefix("The ")
        if not name or len(name) > 80:
            continue
        shelf = [words_of(part) for part in key.split("/")[:-1]]
        meaning = nouns.explain(name, VISIBLE)
        if text in pictures:
            details = (*with_keywords(name, shelf), *([meaning] if meaning else ()))
            yield Draft(key, name, {Modality.IMAGE: pictures[text]}, details)
        noise = text.with_suffix(".ogg")
        if noise.is_file() and not _LANGUAGE.search(text.stem):
            heard = _noise(name)
            yield Draft(f"{key}.ogg", heard, {Modality.AUDIO: noise}, with_keywords(heard, [name, *shelf]))


def _pictures(stamps: list[Path], root: Path, out: Path) -> dict[Path, Path]:
    """The picture of each stamp that has one; those that are SVG are drawn first."""
    found = {text: text.with_suffix(".png") for text in stamps if text.with_suffix(".png").is_file()}
    drawings = [text for text in stamps if text.with_suffix(".svg").is_file()]
    targets = [out / f"{text.relative_to(root).with_suffix('').as_posix().replace('/', '-')}.png" for text in drawings]
    drawn = rasterise((text.with_suffix(".svg"), target) for text, target in zip(drawings, targets, strict=True))
    return found | {text: target for text, target, good in zip(drawings, targets, drawn, strict=True) if good}


def _noise(name: str) -> str:
    words = name.lower().split()
    known = next((_NOISES[word] for word in words if word in _NOISES), None)
    return known or f"sound of {'an' if words[0][0] in 'aeiou' else 'a'} {name.lower()}"


DECLARATION = Declaration(
    name="tuxpaint",
    about="cut-out photographs and drawings of animals, food, tools, buildings ... with a sentence, and many noises",
    modalities=(Modality.IMAGE, Modality.AUDIO),
    packages=(STAMPS, WORDNET),
    licence="GPL-2+ and public domain (each file's own, by the package's copyright file)",
    expected=759,
    read=read,
)
