"""Sounds of OpenClonk: materials that hit each other, tools, engines, weather, fire and water."""

from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.clonk_group import files_of
from omnisearch_training.datasets.named_sounds import debian
from omnisearch_training.datasets.wordnet import AUDIBLE, WORDNET, load_wordnet

OPENCLONK = debian("openclonk-data")
GROUP = "usr/share/games/openclonk/Sound.ocg"
# The end of a path, without its number -> the sound. Other files have no plain name: menus, invented animals.
_HEARD = {
    "Animals/Bat/Chirp": "bat chirping", "Animals/Bat/Flutter": "bat wings fluttering",
    "Animals/Monster/Die": "monster dying", "Animals/Monster/Growl": "monster growling",
    "Animals/Mooq/Die": "animal dying cry", "Animals/Mooq/Hurt": "animal cry of pain",
    "Animals/Puka/Die": "animal dying cry", "Animals/Puka/Hurt": "animal cry of pain",
    "Animals/Mooq/Munch": "animal munching", "Animals/Mooq/Snort": "animal snorting",
    "Animals/Mooq/Snorting": "animal snorting", "Animals/MosquitoBuzz": "mosquito buzzing",
    "Clonk/Action/Breathing": "heavy breathing", "Clonk/Action/Dig/Dig": "digging earth with a shovel",
    "Clonk/Action/Munch": "munching food", "Clonk/Movement/DivingLoop": "diving under water",
    "Clonk/Movement/Roll": "rolling on the ground", "Clonk/Movement/Rustle": "rustling leaves",
    "Clonk/Movement/RustleLand": "landing in leaves", "Clonk/Movement/StepHard": "footstep on hard ground",
    "Clonk/Movement/StepSoft": "footstep on soft ground",
    "Die": "dying cry", "Hurt": "cry of pain", "Laughter": "man laughing", "Scream": "scream", "Shock": "shocked cry",
    "Singing": "singing", "EvilConfirm": "evil laughter",
    "Environment/BirdsLoop": "birds singing", "Environment/Disasters/Earthquake": "earthquake rumbling",
    "Environment/Disasters/EarthquakeEnd": "earthquake ending", "Environment/Lightning/Thunder": "thunder rumbling",
    "Environment/Tree/Chop": "axe chopping a tree", "Environment/Tree/Crack": "tree cracking",
    "Environment/Tree/Landing": "tree falling", "Environment/Waterfall": "waterfall",
    "Environment/WindLoop": "wind blowing",
    "Fire/Blast": "explosion blast", "Fire/Blast3alt": "explosion blast", "Fire/BlastFirework": "firework exploding",
    "Fire/BlastLiquid": "explosion under water", "Fire/BlastLiquid3alt": "explosion under water",
    "Fire/BlastMetal": "explosion of metal", "Fire/Cracker": "firecracker", "Fire/Fire": "fire burning",
    "Fire/Fireball": "fireball flying", "Fire/Fuse": "fuse burning", "Fire/FuseLoop": "fuse burning",
    "Fire/FuseShort": "fuse burning", "Fire/Inflame": "fire flaring up", "Fire/Smoke": "smoke hissing",
    "Fire/Spark": "sparks crackling",
    "Hits/BucketHit": "bucket hitting the ground", "Hits/GeneralHit": "thing hitting the ground",
    "Hits/IceHit": "ice hitting the ground", "Hits/OrganicHit": "soft thing hitting the ground",
    "Hits/ProjectileHitLiving": "projectile hitting a body", "Hits/SoftHit": "soft thing hitting the ground",
    "GlassBreak": "glass breaking", "GlassHit": "clink of glass", "GlassShatter": "glass shattering",
    "DullMetalHit": "dull blow on metal", "LightMetalHit": "light blow on metal", "RockHit": "rock hitting the ground",
    "Rockfall": "rocks falling", "DullWoodHit": "dull blow on wood", "WoodCreak": "wood creaking",
    "Hits/Materials/Wood/WoodHit": "wood hitting the ground",
    "Liquids/Boiling": "boiling water", "Liquids/Bubble": "bubbles in water", "Liquids/Sizzle": "sizzling",
    "Liquids/SmokeSizzle": "fire sizzling out in water", "Liquids/Splash": "splash in water",
    "Liquids/StereoRain": "rain falling", "Liquids/Swim": "swimming in water", "Liquids/Waterdrop": "drop of water",
    "Objects/Arrow/HitGround": "arrow hitting the ground", "Objects/Arrow/Shoot": "arrow shot",
    "Objects/Balloon/Inflate": "balloon inflating", "Objects/Balloon/Pop": "balloon popping",
    "Objects/Boompack/Fly": "rocket flying", "Objects/Boompack/Launch": "rocket launch",
    "Objects/Catapult_Launch": "catapult shot", "Objects/Electrical": "electric crackle",
    "Objects/Lorry/Dump": "cart dumping stones", "Objects/Pickaxe/Clang": "pickaxe clanging on stone",
    "Objects/Pickaxe/ClangHard": "pickaxe clanging on metal", "Objects/Plane/PlaneCrash": "plane crashing",
    "Objects/Plane/PropellerLoop": "propeller plane engine", "Objects/SprayCan": "spray can spraying",
    "BulletHitGround": "bullet hitting the ground", "BulletShot": "gun shot", "GunShoot": "musket shot",
    "Bow/Draw": "bow being drawn", "Bow/GetArrow": "arrow taken from a quiver", "Bow/Load": "arrow laid on a bow",
    "Bow/Shoot": "bow shot", "Javelin/Draw": "javelin being drawn", "Javelin/HitGround": "javelin hitting the ground",
    "Javelin/Throw": "javelin throw", "Shield/MetalHit": "blow on a metal shield",
    "Shield/WeaponHitShield": "weapon hitting a shield", "Shield/WoodHit": "blow on a wooden shield",
    "WeaponHit": "weapon hit", "WeaponSwing": "swing of a weapon", "Windbag/Gust": "gust of wind",
    "Chest/Close": "chest closing", "Chest/Open": "chest opening", "DoorClose": "door closing",
    "DoorOpen": "door opening", "DoorUnlock": "door being unlocked", "Elevator/Drilling": "drilling",
    "Elevator/Moving": "elevator moving", "Elevator/Start": "elevator starting", "Elevator/Stop": "elevator stopping",
    "FanLoop": "fan turning", "Furnace/Loop": "furnace burning", "Furnace/Start": "furnace lighting",
    "Furnace/Stop": "furnace going out", "HingeCreak": "hinge creaking", "Pumpjack": "oil pump working",
    "Structures/Repair": "repair with a hammer", "SawmillRipcut": "sawmill cutting wood",
    "SteamEngine": "steam engine", "StoneGate/Chain": "chain rattling", "StoneGate/GateHit": "stone gate slamming",
    "StoneGate/GateMove": "stone gate moving", "SwitchFlip": "switch flipping", "SwitchMove": "lever moving",
    "WheelsTurn": "wheels turning", "UI/Cash": "coins", "UI/Ding": "ding of a bell", "UI/Fanfare": "fanfare",
    "UI/Tick": "tick of a clock", "UI/Trumpet": "trumpet",
}  # fmt: skip


def read(workshop: Workshop) -> Iterator[Draft]:
    """Unpack the sounds that have a plain name."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    for key, content in files_of(workshop.packages[OPENCLONK.name] / GROUP):
        stem = key.rpartition(".")[0].rstrip("0123456789").split("/")
        heard = next((_HEARD[end] for start in range(len(stem)) if (end := "/".join(stem[start:])) in _HEARD), None)
        if heard is None:
            continue
        path = workshop.out / key.replace("/", "-")
        path.write_bytes(content)
        meaning = nouns.explain(heard, AUDIBLE)
        yield Draft(key, heard, {Modality.AUDIO: path}, (meaning,) if meaning else ())


DECLARATION = Declaration(
    name="openclonk_sounds",
    about="materials that hit each other, tools, engines, doors, weather, fire and water",
    modalities=(Modality.AUDIO,),
    packages=(OPENCLONK, WORDNET),
    licence="CC-BY-3.0 and CC0",
    expected=290,
    read=read,
)
