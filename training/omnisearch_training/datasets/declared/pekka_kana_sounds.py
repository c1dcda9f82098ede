"""Sounds of Pekka Kana 2: the cartoon animals of a farm."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="pekka_kana_sounds",
    about="cartoon hens, crows, pigs, frogs, bees and rabbits",
    sounds=NamedSounds(
        package=debian("pekka-kana-2-data"),
        folder="usr/share/games/pekka-kana-2/data",
        drop=r"bonus|boss|counter|menu|jump|/damage|p_damage|p_ko|ko1|robo|switch|pump|apple\.|teleport|bunny_k2|tankshot|tennis",
        say={
            "doodle": "rooster crowing", "p doodle": "rooster crowing",
            "moo": "cow mooing",
            "openlock": "lock opening",
            "splash": "splash in water",
            "app bite": "biting an apple",
            "bee": "bee buzzing", "bee ko": "bee falling",
            "beehive": "bees buzzing in a hive",
            "bird": "bird singing",
            "boxcrack": "wooden box breaking",
            "bunny at": "rabbit attack cry", "bunny dm": "rabbit cry of pain", "bunny ko": "rabbit dying cry",
            "chick": "chick peeping",
            "crow": "crow cawing", "crow ko": "crow dying cry",
            "eggcrack": "egg cracking",
            "explot": "explosion",
            "frog att": "frog attack cry", "frog dmg": "frog cry of pain", "frog ko": "frog dying cry",
            "hen": "hen clucking", "p layegg": "hen laying an egg",
            "pig": "pig grunting", "pig ko": "pig squealing",
            "wolf ko": "wolf dying cry",
        },
        folders=False,
    ),
    licence="BSD-2-Clause",
    expected=28,
)  # fmt: skip
