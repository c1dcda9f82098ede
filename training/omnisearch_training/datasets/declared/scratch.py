"""Media of Scratch: sounds of everyday life, photographs of places, and drawings of animals, vehicles and things."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.named_sounds import NamedSounds, debian
from omnisearch_training.datasets.wordnet import WORDNET, load_wordnet

SCRATCH = debian("scratch")
SOUNDS = NamedSounds(
    package=SCRATCH,
    folder="usr/share/scratch/Media/Sounds",
    drop=r"Vocals/(?!Singer|BeatBox)|(Peculiar|Spiral|Eggs|Garden|Jungle|Triumph|Suspense|AfroString|StringAccent|DirtyWhir)\.",
    folders=False,
    say={
        "bird": "bird singing",
        "cat": "cat meowing",
        "cricket": "cricket chirping",
        "crickets": "crickets chirping",
        "dog": "dog barking",
        "duck": "duck quacking",
        "goose": "goose honking",
        "horse": "horse neighing",
        "horse gallop": "horse galloping",
        "kitten": "kitten meowing",
        "meow": "cat meowing",
        "owl": "owl hooting",
        "rooster": "rooster crowing",
        "sea lion": "sea lion barking",
        "wolf howl": "wolf howling",
        "balloon scratch": "scratching a balloon",
        "bell toll": "bell tolling",
        "bubbles": "bubbles in water",
        "door close": "door closing",
        "door creak": "door creaking",
        "plunge": "plunge into water",
        "ripples": "rippling water",
        "typing": "typing on a keyboard",
        "water drop": "drop of water",
        "baby cry": "baby crying",
        "cough female": "woman coughing",
        "cough male": "man coughing",
        "finger snap": "snapping fingers",
        "laugh female": "woman laughing",
        "laugh male": "man laughing",
        "party noise": "people talking at a party",
        "scream female": "woman screaming",
        "scream male": "man screaming",
        "slurp": "slurping a drink",
        "sneeze female": "woman sneezing",
        "sneeze male": "man sneezing",
        "dijjeridoo": "didgeridoo",
        "guitar strum": "guitar strumming",
        "string pluck": "plucked string",
        "hand clap": "clapping hands",
        "singer": "person singing",
        "human beatbox": "beatbox",
        "beat box": "beatbox",
        "xylo": "xylophone",
        "drip drop": "dripping water",
        "cave": "dripping cave",
        "medieval": "medieval music",
        "techno": "techno music",
        "hip hop": "hip hop music",
        "fairydust": "magic sparkle",
        "drum buzz": "snare drum buzz",
    },
)
# Letters are signs, and most people and creatures have invented names.
_SHELVES = ("Backgrounds", "Costumes/Animals", "Costumes/Transportation", "Costumes/Things")
_NOISE = frozenset(
    {"stage1", "stage2", "the-movies", "the-movies-inside", "building-fireproof", "manhole",
     "buttonPressed", "lego", "cub1", "clam1", "xy-grid", "street-cleaner-mit", "button"}
)  # fmt: skip
_FIELDS = {
    "Animals": "animal",
    "Transportation": "vehicle",
    "Nature": "nature",
    "Sports": "sport",
    "Indoors": "indoors",
}
_SAYINGS = {
    "beach malibu": "beach",
    "all sports mural": "mural of sports",
    "berkeley mural": "mural on a wall",
    "mural faro": "mural on a wall",
    "building at mit": "building",
    "garden rock": "rock garden",
    "school": "school building",
    "car bug": "beetle car",
    "mic": "microphone",
    "soccer": "soccer ball",
    "baseball": "baseball ball",
    "tennisball": "tennis ball",
    "beachball": "beach ball",
    "partyhat": "party hat",
    "wizardhat": "wizard hat",
    "magiccarpet": "magic carpet",
    "palmtree": "palm tree",
    "sunglass f": "sunglasses",
    "hair": "wig",
    "route": "country road",
    "car cow": "car painted like a cow",
    "car blue": "blue car",
    "stars": "stars in the night sky",
    "night city": "city at night",
    "night city with street": "city street at night",
    "hallway outdoors": "colonnade",
    "pool": "swimming pool",
    "wave": "sea wave",
    "atom playground": "playground",
    "key": "door key",
}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Yield every sound, every background and every drawing of an animal, a vehicle or a thing."""
    yield from SOUNDS(workshop)
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    media = workshop.packages[SCRATCH.name] / "usr/share/scratch/Media"
    for shelf in _SHELVES:
        for path in sorted((media / shelf).rglob("*")):
            if path.suffix.lower() not in {".jpg", ".png", ".gif"} or path.stem in _NOISE:
                continue
            # The letter after a number is the pose: "dog1-b".
            words = " ".join(word for word in words_of(path.stem).split() if len(word) > 1 or word == "f")
            name = _SAYINGS.get(words, words)
            meaning = nouns.explain(name)
            details = (*with_keywords(name, [_FIELDS.get(path.parent.name, "")]), *([meaning] if meaning else ()))
            key = path.relative_to(media).as_posix()
            yield Draft(
                key, name, {Modality.IMAGE: _still(path, workshop.out / f"{key.replace('/', '-')}.png")}, details
            )


def _still(path: Path, target: Path) -> Path:
    """Write the picture on white: GIFs hold palettes, and cut-outs are transparent."""
    if path.suffix.lower() == ".jpg":
        return path
    with Image.open(path) as image:
        cut_out = image.convert("RGBA")
    paper = Image.new("RGBA", cut_out.size, "white")
    paper.alpha_composite(cut_out)
    paper.convert("RGB").save(target)
    return target


DECLARATION = Declaration(
    name="scratch",
    about="sounds of animals, people and the house, photographs of places, and drawings of animals and things",
    modalities=(Modality.AUDIO, Modality.IMAGE),
    packages=(SCRATCH, WORDNET),
    licence="CC-BY-SA-3.0",
    expected=286,
    read=read,
)
