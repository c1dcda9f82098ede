"""Sounds of Micropolis: sirens, horns, traffic and a bulldozer of a city."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="micropolis_sounds",
    about="sirens, horns, traffic, ducks and explosions of a city",
    sounds=NamedSounds(
        package=debian("micropolis-data"),
        folder="usr/share/games/micropolis/res/sounds",
        drop=r"^(a|e|o|aaah|airport|bop|build|chalk|coal|com|computer|eraser|fire|ind|nuclear|oop|park|police|query|rail|res|road|"
        r"seaport|sorry|stadium|uhuh|wire|zone|monster)\.",
        say={
            "bulldozer": "bulldozer engine",
            "cuckoo": "cuckoo calling",
            "explosion hi": "explosion", "explosion high": "explosion", "explosion low": "explosion",
            "heavytraffic": "heavy traffic",
            "honkhonk hi": "car horn", "honkhonk high": "car horn", "honkhonk low": "car horn",
            "honkhonk med": "car horn",
            "ignition": "car starting",
            "quack": "duck quacking", "quackquack": "duck quacking",
            "rumble": "rumbling",
            "siren": "police siren",
            "skid": "car skidding",
            "whip": "crack of a whip",
            "woosh": "whoosh through the air",
        },
    ),
    licence="GPL-3+",
    expected=20,
)  # fmt: skip
