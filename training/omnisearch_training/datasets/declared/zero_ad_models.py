"""Models of 0 A.D.: animals, trees, rocks, ships, buildings and things of antiquity."""

import re
import zipfile
from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.declared.zero_ad_sounds import ARCHIVE, ZERO_AD
from omnisearch_training.datasets.pmd import looks, write_model
from omnisearch_training.datasets.wordnet import WORDNET, load_wordnet

_WANTED = re.compile(
    r"art/actors/(fauna|flora/trees|geology|fungi|structures|props/flora|props/special/eyecandy|"
    r"props/units/(weapons|shields|helmets|tools))/.*\.xml$"
)
# Pieces of things, rubble, and flat pictures on the ground.
_NOISE = re.compile(
    r"_top|_leaves|branches|needles|_test|decal|destruct|fndn|foundation|rubble|_props|_struct|_tile|grass_|circle|"
    r"ambient|_wall_|plot|scaf|percent|_prop$|/temp"
)
_PEOPLES = {
    "athenians": "athenian", "britons": "celtic", "carthaginians": "carthaginian", "celts": "celtic", "gauls": "gallic",
    "han": "chinese", "hellenes": "greek", "iberians": "iberian", "kushites": "nubian", "macedonians": "macedonian",
    "mauryas": "indian", "persians": "persian", "ptolemies": "egyptian", "romans": "roman", "seleucids": "seleucid",
    "spartans": "spartan",
}  # fmt: skip
_CODES = {
    "brit": "celtic", "cart": "carthaginian", "kart": "carthaginian", "celt": "celtic", "gaul": "gallic",
    "hele": "greek",
    "iber": "iberian", "maur": "indian", "pers": "persian", "ptol": "egyptian", "rome": "roman", "sele": "seleucid",
    "spart": "spartan", "athen": "athenian", "kush": "nubian", "medit": "mediterranean",
    "tempe": "temperate", "tropic": "tropical", "deci": "deciduous", "euro": "european", "aut": "autumn",
    "geo": "", "la": "large", "me": "medium", "sm": "small", "lrg": "large", "civic centre": "civic centre building",
}  # fmt: skip
_FIELDS = {"fauna": "animal", "flora": "plant", "geology": "rock", "structures": "building", "eyecandy": "thing"}
# Nouns missing in the file names of weapons and armour.
_HEADS = {"helmets": "helmet", "shields": "shield", "sword": "sword", "spear": "spear", "bow": "bow", "axe": "axe"}
_LOOKS, _LOOKS_OF_ARMOUR = 3, 1


def read(workshop: Workshop) -> Iterator[Draft]:
    """Write every selected actor in up to three variants, named after its file and its civilisation."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    with zipfile.ZipFile(workshop.packages[ZERO_AD.name] / ARCHIVE) as archive:
        for actor in sorted(name for name in archive.namelist() if _WANTED.match(name) and not _NOISE.search(name)):
            key = actor.removeprefix("art/actors/").removesuffix(".xml")
            name = _name(key)
            if not name:
                continue
            keywords = [word for part in key.split("/") if (word := _FIELDS.get(part, ""))]
            meaning = nouns.explain(name)
            details = (*with_keywords(name, [*keywords, "antiquity"]), *([meaning] if meaning else ()))
            most = _LOOKS_OF_ARMOUR if "props/units" in key else _LOOKS
            for number, look in enumerate(looks(archive, actor, most)):
                path = workshop.out / f"{key.replace('/', '-')}.{number}.glb"
                if write_model(archive, look, path):
                    yield Draft(f"{key}/{number}", name, {Modality.POINT_CLOUD: path}, details)


def _name(key: str) -> str:
    *folders, stem = key.split("/")
    words = [_CODES.get(word, word) for word in words_of(stem).split() if len(word) > 1]
    people = next((_PEOPLES[folder] for folder in folders if folder in _PEOPLES), "")
    head = [_HEADS[folder] for folder in folders if folder in _HEADS]
    return " ".join(dict.fromkeys([*people.split(), *(word for word in words if word), *head]))


DECLARATION = Declaration(
    name="zero_ad_models",
    about="animals, trees, rocks, ships, buildings and weapons of antiquity in 3D",
    modalities=(Modality.POINT_CLOUD,),
    packages=(ZERO_AD, WORDNET),
    licence="CC-BY-SA-3.0",
    expected=2507,
    read=read,
)
