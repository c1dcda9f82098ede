"""Sounds of UFO: Alien Invasion: footsteps, doors, fire, water, breakage, guns and machines."""

import zipfile
from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.named_sounds import NamedSounds, debian
from omnisearch_training.datasets.wordnet import WORDNET

UFOAI = debian("ufoai-sound")
ARCHIVE = "usr/share/games/ufoai/base/0snd.pk3"
SOUNDS = NamedSounds(
    package=UFOAI,
    folder="sound",
    drop=r"geoscape/(?!combat)|aliens/|^ui/|lobby|popup|roundstart|talk|atm\.|alienatmo|aliencom|disco|droning|jingle|sand-city|"
    r"lights_loop|stand\.|crouch|psi|irgog|medikit|hover|ptl|airlaser|airplasma|wormhole|radiomessage|-x\.|hurt|psiattack",
    say={
        "alien device": "alien machine humming", "alien generator": "alien generator humming",
        "alien ventilation": "alien ventilation", "alien engine": "alien engine",
        "alienbase bubbles": "bubbling liquid", "alienenergy": "alien energy humming",
        "alienmachinery": "alien machinery", "alienpowermachinery": "alien machinery",
        "arcticwind": "arctic wind blowing", "bloodspiderwalk": "giant spider walking",
        "creak": "creaking", "cricket loop": "crickets chirping",
        "engine alien big": "spaceship engine", "engine alien medium": "spaceship engine",
        "engine alien small": "spaceship engine",
        "fire": "fire burning", "firesoft": "soft fire burning", "smallfire": "small fire crackling",
        "hum": "electric hum", "machine": "machine running", "minepump": "mine pump working",
        "sparks": "electric sparks", "sparks short": "electric sparks", "steam": "steam hissing",
        "thunder": "thunder rumbling", "tv newswav": "television news", "tv static": "television static",
        "water": "water flowing", "waterfontain": "water fountain", "wind turbine": "wind turbine turning",
        "civfemdeath": "woman screaming", "a": "", "civfemscream": "woman screaming",
        "civmaledeath": "man dying cry", "maledeath": "man dying cry", "femaledeath": "woman dying cry",
        "creak low short": "door creaking",
        "close": "closing", "open": "opening", "open close": "door opening and closing",
        "carpet": "footstep on carpet", "dirt": "footstep on earth", "grass": "footstep on grass",
        "gravel": "footstep on gravel", "hitground": "body hitting the ground", "linoleum": "footstep on linoleum",
        "metal": "footstep on metal", "sand": "footstep on sand", "snow": "footstep in snow",
        "splash": "splash in water", "stone": "footstep on stone", "tile": "footstep on tiles",
        "wood": "footstep on wood", "water in": "going into water", "water out": "coming out of water",
        "water under": "under water",
        "combat explosion": "distant explosion", "combat gun": "aircraft gun burst",
        "combat rocket": "aircraft rocket launch", "combat rocket exp": "rocket explosion",
        "bullet bodyimpact": "bullet hitting a body", "bullet impact": "bullet hitting a wall",
        "knife bodyimpact": "knife stabbing a body", "knife impact": "knife hitting a wall",
        "laser bodyimpact": "laser burning flesh", "laser impact": "laser hitting a wall",
        "nail bodyimpact": "nail hitting a body", "nail impact": "nail hitting a wall",
        "water impact": "drops hitting water", "waterbullet impact": "bullet hitting water",
        "breakelectric": "electric device breaking", "breakglass": "glass breaking",
        "breakmetal": "metal breaking", "breakwood": "wood breaking", "electro": "electric crackle",
        "alienflyby": "spaceship flying by", "humanflyby": "jet flying by",
        "sword fly": "sword thrown", "sword hit": "sword hit",
        "diesel idle": "diesel engine idling", "diesel move": "diesel engine driving",
        "diesel stop": "diesel engine stopping",
        "bullet bolter": "heavy gun shot", "bullet chaingun x": "machine gun burst",
        "bullet flechette": "gun shot", "bullet gauss": "gauss gun shot", "bullet heavybolter": "heavy gun shot",
        "bullet heavyneedler x": "machine gun burst", "bullet needler x": "machine gun burst",
        "bullet hmg x": "heavy machine gun burst", "bullet pistol": "pistol shot",
        "bullet rifle": "rifle shot", "bullet rifle x": "rifle burst",
        "bullet shotgun": "shotgun shot", "bullet shotgun x": "shotgun shots", "bullet shotgunmini": "shotgun shot",
        "bullet smg": "submachine gun shot", "bullet smg x": "submachine gun burst",
        "bullet sniper": "sniper rifle shot",
        "electro taser": "electric taser", "electro taserdouble": "electric taser",
        "explosion fire": "fire bomb explosion", "explosion flashbang": "flash grenade explosion",
        "explosion grenade": "grenade explosion", "explosion plasma": "plasma explosion",
        "explosion rocket": "rocket explosion", "explosion smoke": "smoke grenade hissing",
        "flamer big": "flamethrower", "flamer small": "flamethrower",
        "grenade bounce": "grenade bouncing", "grenade launcher x": "grenade launcher shots",
        "grenade launcher": "grenade launcher shot", "grenade pin": "grenade pin pulled",
        "laser blast": "laser shot", "laser huge": "laser shot", "laser large": "laser shot",
        "laser medium": "laser shot", "laser small": "laser shot",
        "melee swoosh": "swing through the air", "melee throw": "throw through the air",
        "plasma bodyimpact": "plasma burning flesh", "plasma impact": "plasma hitting a wall",
        "plasmaball impact": "plasma hitting a wall", "plasma blade": "plasma blade humming",
        "plasma huge": "plasma gun shot", "plasma large": "plasma gun shot", "plasma medium": "plasma gun shot",
        "plasma small": "plasma gun shot",
        "reload grenade": "reloading a grenade launcher", "reload laser": "reloading a laser gun",
        "reload nail": "reloading a nail gun", "reload pistol": "reloading a pistol",
        "reload rifle": "reloading a rifle", "reload rocket": "reloading a rocket launcher",
        "reload shotgun": "reloading a shotgun", "reload smg": "reloading a submachine gun",
        "reload sniper": "reloading a sniper rifle",
        "rocket human": "rocket launch", "rocket plasma": "rocket launch",
        "ugv cannon fire": "cannon shot", "ugv lasercannon fire": "laser cannon shot",
    },
    folders=False,
)  # fmt: skip


def read(workshop: Workshop) -> Iterator[Draft]:
    """Unpack the game's archive of sounds and read their names."""
    root = workshop.out / SOUNDS.folder
    if not root.is_dir():
        partial = workshop.out / "partial"
        with zipfile.ZipFile(workshop.packages[UFOAI.name] / ARCHIVE) as archive:
            archive.extractall(partial)
        (partial / SOUNDS.folder).rename(root)
    yield from SOUNDS.read(root, workshop.packages[WORDNET.name])


DECLARATION = Declaration(
    name="ufoai_sounds",
    about="footsteps, doors, fire, water, breakage, guns and machines",
    modalities=(Modality.AUDIO,),
    packages=(UFOAI, WORDNET),
    licence="GPL-2+, CC-BY-SA-3.0, CC-BY-3.0 and public domain (each file's own, by the package's copyright file)",
    expected=240,
    read=read,
)
