"""Sounds of 0 A.D.: animals, weather, water, weapons, crafts and ships."""

import re
import zipfile
from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.named_sounds import NamedSounds, debian
from omnisearch_training.datasets.wordnet import WORDNET

ZERO_AD = debian("0ad-data")
ARCHIVE = "usr/share/games/0ad/mods/public/public.zip"
SOUNDS = NamedSounds(
    package=ZERO_AD,
    folder="audio",
    drop=r"/voice|(^|/)voices?/|music/|interface/|attack/fire|hstep|mstep|human/death/death|sz1|siege_select|"
    r"fauna/death/Animal|smove|trained|order|bow_attack_(0[5-9]|1)|arrow_(dirt|metal|stone|wood)_(0[4-9]|[12])|"
    r"sling_\w+_(0[4-9]|1)|shield_\w+_(0[4-9]|1)|singlesteps/.*[4-8]\.|male_death_([1-6]\d|0[4-9])",
    say={
        "attack": "attack cry",
        "death": "dying cry",
        "select": "call",
        "idle": "snort",
        "amb": "",
        "port": "harbour with gulls",
        "trade": "market crowd",
        "farm": "farm animals",
        "day temperate": "birds on a summer day",
        "day temperate gen": "birds on a summer day",
        "day tropical": "tropical birds and insects",
        "river raging": "raging river",
        "river fast": "fast river",
        "river med": "river flowing",
        "river slow": "slow river",
        "wave": "sea waves",
        "wavecrash": "sea wave crashing",
        "waverocky": "sea waves on rocks",
        "rain": "rain falling",
        "thunder": "thunder rumbling",
        "snowstorm": "snow storm wind",
        "wind": "wind blowing",
        "windgust": "gust of wind",
        "windleaves": "wind in leaves",
        "windstorm": "storm wind",
        "fleshimp": "blow on flesh",
        "fleshstab": "stab into flesh",
        "siegeprojectilehit": "stone projectile hitting a wall",
        "ballist attack": "ballista shot",
        "ballist rome attack": "ballista shot",
        "ram attack": "battering ram blow",
        "arrowfly": "arrow flying",
        "bow attack": "bow shot",
        "jav attack": "javelin throw",
        "pike attack": "pike thrust",
        "lumber treeexpire": "tree falling",
        "gather meatexpire": "butchering meat",
        "gather fruitexpire": "picking fruit",
        "gather fieldexpire": "harvesting grain",
        "arrow wood": "arrow hitting wood",
        "arrow dirt": "arrow hitting earth",
        "arrow metal": "arrow hitting metal",
        "arrow stone": "arrow hitting stone",
        "sling": "sling shot",
        "sling wood": "sling stone hitting wood",
        "sling stone": "sling stone hitting stone",
        "sling metal": "sling stone hitting metal",
        "shield wood": "blow on a wooden shield",
        "shield metal": "blow on a metal shield",
        "con wood": "hammering wood",
        "con saw": "sawing wood",
        "con stone": "hammering stone",
        "hoe": "hoe digging earth",
        "leaves": "rustling leaves",
        "lion attack": "lion roar",
        "elephant attack": "elephant trumpeting",
        "explode debris": "explosion with debris",
        "onager": "catapult",
        "ship move": "ship sailing",
        "lumber tree": "axe chopping a tree",
        "mine metal": "pickaxe mining metal",
        "mine stone": "pickaxe mining stone",
        "gather fruit": "picking fruit",
        "gather field": "harvesting grain",
        "gather meat": "butchering meat",
        "spear attack": "spear thrust",
        "sword attack": "sword swing",
        "sling attack": "sling shot",
        "swordhit": "sword hit",
        "b": "",
        "fs": "footstep on",
        "foorstep": "footsteps on",
        "footstep": "footsteps on",
        "stonegate": "stone gate",
        "cattle": "cow mooing",
        "chicken": "chicken clucking",
        "sheep": "sheep bleating",
        "goat": "goat bleating",
        "pig": "pig grunting",
        "camel": "camel groaning",
        "flamingo": "flamingo calling",
    },
)


def read(workshop: Workshop) -> Iterator[Draft]:
    """Unpack the sounds of the game's archive and read their names."""
    root = workshop.out / SOUNDS.folder
    if not root.is_dir():
        partial = workshop.out / "audio.partial"
        with zipfile.ZipFile(workshop.packages[ZERO_AD.name] / ARCHIVE) as archive:
            names = archive.namelist()
            chosen = [name for name in names if re.match(r"audio/(?!music|voice|interface).*\.ogg$", name)]
            archive.extractall(partial, chosen)
        (partial / SOUNDS.folder).rename(root)
        partial.rmdir()
    yield from SOUNDS.read(root, workshop.packages[WORDNET.name])


DECLARATION = Declaration(
    name="zero_ad_sounds",
    about="animals, weather, water, weapons, crafts and ships of an ancient world",
    modalities=(Modality.AUDIO,),
    packages=(ZERO_AD, WORDNET),
    licence="CC-BY-SA-3.0",
    expected=499,
    read=read,
)
