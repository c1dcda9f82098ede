"""GCompris: photographs and sounds of animals, instruments, tools and monuments. Test only.

They are most of the captioned photographs among the sources, so they are used only for evaluation.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.named_sounds import debian
from omnisearch_training.datasets.qt_resource import resources
from omnisearch_training.datasets.wordnet import AUDIBLE, VISIBLE, WORDNET, load_wordnet

GCOMPRIS = debian("gcompris-qt-data")

# Activity -> its files that are named after their content.
_PICTURES = {
    "erase": r"resource/[a-z_]+\.webp",
    "explore_farm_animals": r"animals/\w+\.webp",
    "explore_world_animals": r"animals/\w+\.webp",
    "explore_monuments": r"resource/\w+/\w+\.webp",
    "lang": r"words_sample/\w+\.webp",
    "categorization": r"images/\w+/\w+\.webp",
    "solar_system": r"resource/\w+\.webp",
}
_SOUNDS = {
    "explore_farm_animals": r"animals/\w+\.ogg",
    "instruments": r"resource/\w+\.ogg",
    "memory-sound": r"resource/LR\w+\.ogg",
}
# Numbers, colours, relatives and moods are drawn as children's cards; fronts and backs are parts of the game.
_NOISE = re.compile(
    r"/(one|two|three|four|five|six|seven|eight|nine|ten|brother|sister|family|first|last|dragon|background|\w*_bg)\.|"
    r"/images/(numbers|others|alphabets|shapes|colors|odd|even)|"
    r"/(zero|eleven|twelve|sixteen|black|blue|brown|color|gray|green|mauve|orange|pink|red|white|yellow|son|dad|mother|"
    r"grandmother|friend|back|head|test|animal|monument\d*)\."
)
_ENGINEER = re.compile(r"\b(LR|LA|cut)\b", re.IGNORECASE)
_SAYINGS = {
    "bark": "dog barking",
    "cat": "cat meowing",
    "dog": "dog barking",
    "cow": "cow mooing",
    "horse": "horse neighing",
    "sheep": "sheep bleating",
    "pig": "pig grunting",
    "duck": "duck quacking",
    "owl": "owl hooting",
    "chickens": "chickens clucking",
    "guitar": "acoustic guitar",
    "flute traversiere": "transverse flute",
    "horn": "french horn",
}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Take the named pictures and sounds out of the activities' resource files."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    shelves = workshop.packages[GCOMPRIS.name] / "usr/share/gcompris-qt/rcc"
    for modality, wanted, fields in ((Modality.IMAGE, _PICTURES, VISIBLE), (Modality.AUDIO, _SOUNDS, AUDIBLE)):
        for activity, pattern in wanted.items():
            for inner, content in sorted(resources(shelves / f"{activity}.rcc")):
                if not re.search(pattern, inner) or _NOISE.search(inner):
                    continue
                name = _name(Path(inner).stem, modality)
                if name.startswith(("pause", "weird")):
                    continue
                path = workshop.out / modality / activity / Path(inner).name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                meaning = nouns.explain(name, fields)
                details = (*with_keywords(name, [words_of(Path(inner).parent.name)]), *([meaning] if meaning else ()))
                yield Draft(f"{activity}/{path.name}", name, {modality: path}, details)


def _name(stem: str, modality: Modality) -> str:
    words = " ".join(_ENGINEER.sub(" ", words_of(re.sub(r"^LR", "", stem))).split())
    return _SAYINGS.get(words, words) if modality is Modality.AUDIO else words


DECLARATION = Declaration(
    name="gcompris",
    about="photographs and sounds of animals, instruments, tools and monuments; test only",
    modalities=(Modality.IMAGE, Modality.AUDIO),
    packages=(GCOMPRIS, WORDNET),
    licence="GPL-3+, CC-BY-SA and public domain (each file's own, by the package's copyright file)",
    expected=367,
    read=read,
    held_out=True,
)
