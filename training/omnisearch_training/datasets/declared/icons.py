"""Icons of interfaces: line drawings, and some in colour. Test only: a kind of pictures that no pool has."""

from functools import partial

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration
from omnisearch_training.datasets.iconify import iconify, named_things
from omnisearch_training.datasets.wordnet import WORDNET

SETS = (iconify("lucide", "1.2.137"), iconify("ph", "1.2.2"), iconify("flat-color-icons", "1.2.3"))

DECLARATION = Declaration(
    name="icons",
    about="line icons of two sets and coloured ones of a third, by the nouns that they show; test only",
    modalities=(Modality.IMAGE,),
    packages=(*SETS, WORDNET),
    licence="ISC (lucide), MIT (phosphor, flat-color-icons)",
    expected=837,
    read=partial(named_things, sets=SETS),
    held_out=True,
)
