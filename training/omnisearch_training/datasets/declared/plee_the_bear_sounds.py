"""Sounds of Plee the Bear: animals of the forest and the weather."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="plee_the_bear_sounds",
    about="frogs, a woodpecker, a gorilla, a snoring bear, rain and an earthquake",
    sounds=NamedSounds(
        package=debian("plee-the-bear-data"),
        folder="usr/share/games/plee-the-bear/sound",
        drop=r"checkpoint|corrupting|dummy|scale/|sequencer|jump\.|cling|clung|throw|injured|hit\.|voice|mini-game",
        say={
            "croak idle": "frog croaking", "croak jump": "frog croaking",
            "hit chest": "gorilla beating its chest",
            "attack": "woodpecker attack cry", "flying": "bird wings flapping",
            "peck": "woodpecker pecking a tree",
            "grr": "bear growling", "snore": "snoring", "slap": "slap in the face",
            "splash": "splash in water", "sting": "bee sting", "tick": "tick of a clock", "rain": "rain falling",
            "earthquake": "earthquake rumbling", "crack": "crack of wood",
        },
        folders=False,
    ),
    licence="CC-BY-SA-3.0",
    expected=15,
)  # fmt: skip
