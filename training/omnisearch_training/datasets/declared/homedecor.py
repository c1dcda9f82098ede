"""Home decor of Minetest: uncoloured models of furniture and household things, and their sounds."""

import re
from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.named_sounds import NamedSounds, debian
from omnisearch_training.datasets.wordnet import WORDNET, load_wordnet

HOMEDECOR = debian("minetest-mod-homedecor")
ROOT = "usr/share/games/minetest/mods/homedecor"
SOUNDS = NamedSounds(
    package=HOMEDECOR,
    folder=ROOT,
    say={
        "homedecor": "",
        "fire extinguish": "fire going out",
        "fire small": "small fire crackling",
        "shower": "shower running",
        "toilet flush": "toilet flushing",
        "faucet": "water running from a tap",
        "book close": "book closing",
        "door close": "door closing",
        "door open": "door opening",
        "gate open close": "gate opening and closing",
        "insert coin": "coin falling into a machine",
        "toaster": "toaster popping up",
        "trash all": "rubbish thrown away",
    },
    folders=False,
)
# Parts of walls and fences, and right-hand copies of doors.
_NOISE = re.compile(
    r"slope|cube|_b\.|_open\.|wall_japanese|chains|round_pole|banister|corner|forniture_torch|trapdoor_steel"
)
_PREFIX = re.compile(r"^(homedecor|forniture|lrfurn|3d|vessels|upscale)\b|\b(a|basic|upscale|regular|tabletop)$|\d+$")
_SAYINGS = {
    "fancy fire": "fire",
    "sofa long": "long sofa",
    "sofa short": "short sofa",
    "lavalamp": "lava lamp",
    "plasmascreen tv": "flat television",
    "ac": "air conditioner",
    "coatrack": "coat rack",
    "coffeemaker": "coffee maker",
    "fishtank": "fish tank",
    "doghouse": "dog house",
    "flowerpot": "flower pot",
    "windowblind thin": "window blind",
    "windowblind thick": "window blind",
    "door wood": "wooden door",
    "door steel": "steel door",
    "door wrought iron": "wrought iron door",
    "door japanese closed": "sliding japanese door",
    "toilet closed": "toilet",
    "openframe bookshelf": "open bookshelf",
    "sport bench": "weight bench",
    "door french": "french door",
    "door fancy": "ornate door",
    "door closet": "closet door",
    "door wood glass": "wooden door with glass",
    "bed kingsize": "king size bed",
    "bed extended": "bed",
    "candle thick": "thick candle",
    "candle thin": "thin candle",
    "table small square": "small square table",
    "table large square": "large square table",
    "table small round": "small round table",
    "bench large": "garden bench",
    "kitchen cabinet half": "kitchen cabinet",
    "speaker large": "large loudspeaker",
    "speaker small": "small loudspeaker",
    "bottle steel": "steel bottle",
    "drink": "drinking glass",
    "shelf": "shelf of bottles",
    "trash can green": "green trash can",
    "4 bottles": "four bottles",
    "inbox mailbox": "mailbox",
    "bathtub clawfoot": "bathtub with feet",
    "shrubbery": "shrub",
    "well": "water well",
    "trophy": "trophy cup",
    "fence barbed wire": "barbed wire fence",
    "fence chainlink": "chain link fence",
    "desk globe": "globe on a desk",
    "ceiling lantern": "lantern on the ceiling",
    "bathroom set": "mirror and cup of a bathroom",
}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Yield every sound, and every model of a whole thing."""
    yield from SOUNDS(workshop)
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    root = workshop.packages[HOMEDECOR.name] / ROOT
    for path in sorted(root.rglob("models/*.obj")):
        if _NOISE.search(path.name):
            continue
        name = _name(path.stem)
        room = words_of(path.parent.parent.name).removeprefix("homedecor ")
        meaning = nouns.explain(name)
        details = (*with_keywords(name, [room]), *([meaning] if meaning else ()))
        yield Draft(path.relative_to(root).as_posix(), name, {Modality.POINT_CLOUD: path}, details)


def _name(stem: str) -> str:
    words, before = stem.replace("_", " "), ""
    while words != before:
        words, before = _PREFIX.sub("", words).strip(), words
    return _SAYINGS.get(words, words)


DECLARATION = Declaration(
    name="homedecor",
    about="furniture and household things in 3D, without colours, and a few sounds of the house",
    modalities=(Modality.POINT_CLOUD, Modality.AUDIO),
    packages=(HOMEDECOR, WORDNET),
    licence="CC-BY-SA-4.0",
    expected=127,
    read=read,
)
