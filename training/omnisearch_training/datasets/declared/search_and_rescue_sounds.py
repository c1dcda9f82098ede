"""Sounds of Search and Rescue: helicopters, jets, landings and thunder."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="search_and_rescue_sounds",
    about="helicopters and jets from start to landing, doors, splashes and thunder",
    sounds=NamedSounds(
        package=debian("searchandrescue-data"),
        folder="usr/share/games/searchandrescue/sounds",
        drop=r"flir|screenshot",
        say={
            "air brake out": "air brake of a plane",
            "crash ground": "plane crashing on the ground", "crash obstruction": "plane crashing",
            "door close": "helicopter door closing", "door open": "helicopter door opening",
            "flap down": "wing flaps moving", "flap up": "wing flaps moving",
            "gear down": "landing gear moving", "gear up": "landing gear moving",
            "helicopter engine inside": "inside a flying helicopter",
            "helicopter engine outside": "helicopter flying",
            "helicopter engine shutdown": "helicopter engine stopping",
            "helicopter engine start": "helicopter engine starting",
            "helicopter wheel screech": "wheels screeching",
            "engine inside": "inside a flying helicopter", "engine shutdown": "helicopter engine stopping",
            "engine start": "helicopter engine starting",
            "jet engine inside": "inside a flying jet", "jet engine inside old": "inside a flying jet",
            "jet engine outside": "jet engine", "jet engine shutdown": "jet engine stopping",
            "jet engine start": "jet engine starting",
            "land belly": "plane sliding on its belly", "land ski": "plane landing on skis",
            "land ski skid": "plane landing on skis", "land wheel skid": "plane wheels touching the runway",
            "land wheel skid inside": "plane wheels touching the runway",
            "overspeed": "overspeed warning horn", "stall": "stall warning horn",
            "splash aircraft": "plane falling into water", "splash human": "person falling into water",
            "thud heavy": "heavy thud", "thud light": "light thud", "thud medium": "thud",
            "thunder faint": "distant thunder rumbling", "thunder loud": "loud thunder clap",
            "thunder moderate": "thunder rumbling",
        },
        folders=False,
    ),
    licence="GPL-2+",
    expected=52,
)  # fmt: skip
