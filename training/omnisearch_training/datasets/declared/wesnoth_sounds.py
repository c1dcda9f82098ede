"""Sounds of Battle for Wesnoth: animals, monsters, weapons, nature."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="wesnoth_sounds",
    about="animals, monsters, weapons and places of a fantasy game",
    sounds=NamedSounds(
        package=debian("wesnoth-1.16-data"),
        folder="usr/share/games/wesnoth/1.16/data/core/sounds",
        drop=r"slowed|ugg\.|contract|join|leave|miss-\d",
        say={
            "die": "dying cry",
            "hit": "cry of pain",
            "magicmissile": "magic missile",
            "miss": "swing that misses",
            "sml": "small",
            "wardrums": "war drums",
            "wose": "tree creature",
            "gryphon": "griffin",
            "tusker": "boar",
            "thunderstick": "musket shot",
            "dragonstick": "dragon gun shot",
            "faeriefire": "fairy fire",
            "birds": "birds singing",
            "horn": "horn signal",
            "bow": "bow shot",
            "crossbow": "crossbow shot",
            "lightning": "lightning and thunder",
            "ship": "ship creaking at sea",
            "night": "crickets at night",
        },
    ),
    licence="GPL-2+ and CC-BY-SA-4.0",
    expected=260,
)
