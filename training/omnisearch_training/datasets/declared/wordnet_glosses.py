"""The glosses of WordNet: text without media, of things that can be seen or heard."""

from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.wordnet import AUDIBLE, VISIBLE, WORDNET, load_wordnet


def read(workshop: Workshop) -> Iterator[Draft]:
    """Yield each noun's name, its synonyms and its meaning."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    for offset, meaning in nouns.synsets.items():
        if meaning.field not in VISIBLE | AUDIBLE:
            continue
        name = meaning.words[0]
        also = (", ".join(meaning.words[:4]),) if len(meaning.words) > 1 else ()
        yield Draft(f"{offset:08}", name, {}, (*also, f"{name}: {meaning.gloss}"))


DECLARATION = Declaration(
    name="wordnet_glosses",
    about="names and meanings of animals, plants, people, food, artifacts, bodies, events and natural things",
    modalities=(Modality.TEXT,),
    packages=(WORDNET,),
    licence="WordNet licence (BSD-like)",
    expected=46062,
    read=read,
)
