"""Silhouettes of animals, weapons, tools and figures. Test only: a kind of pictures that no pool has."""

from functools import partial

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration
from omnisearch_training.datasets.iconify import iconify, named_things
from omnisearch_training.datasets.wordnet import WORDNET

SETS = (iconify("game-icons", "1.2.4"),)

DECLARATION = Declaration(
    name="silhouettes",
    about="black silhouettes of animals, plants, weapons, tools and figures, by the nouns that they show; test only",
    modalities=(Modality.IMAGE,),
    packages=(*SETS, WORDNET),
    licence="CC-BY-3.0 (game-icons.net)",
    expected=1050,
    read=partial(named_things, sets=SETS),
    held_out=True,
)
