"""Sounds of Widelands: animals and crafts."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="widelands_sounds",
    about="wild and farm animals, and crafts from smithy to sawmill",
    sounds=NamedSounds(
        package=debian("widelands-data"),
        folder="usr/share/games/widelands/data",
        drop=r"^music/|lobby|message|under_attack|site_occupied|create_construction|click",
        say={
            "bird": "bird singing",
            "crickets": "crickets chirping",
            "wolf": "wolf howling",
            "coyote": "coyote howling",
            "ox": "ox mooing",
            "sheep": "sheep bleating",
            "horse": "horse neighing",
            "donkey": "donkey braying",
            "duck": "duck quacking",
            "frog": "frog croaking",
            "stag": "stag roaring",
            "moose": "moose calling",
            "boar": "boar grunting",
            "benchsaw": "bench saw",
            "goldping": "hammer on gold",
            "ironping": "hammer on iron",
            "goldspin": "spinning gold thread",
            "beerbubble": "beer bubbling",
            "winebubble": "wine bubbling",
            "biginn": "crowded inn",
            "blackwood": "hardening wood",
            "stonegrind": "grinding stone",
        },
    ),
    licence="GPL-2+",
    expected=108,
)
