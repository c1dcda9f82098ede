"""Sounds of BZFlag: tanks and their weapons."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="bzflag_sounds",
    about="shots, explosions and jumps of a tank game",
    sounds=NamedSounds(
        package=debian("bzflag-data"),
        folder="usr/share/games/bzflag",
        drop=r"message|flag_|spree|kill|hunt|teamgrab|phantom|lock|thief",
        say={
            "boom": "explosion boom",
            "fire": "tank gun shot",
            "laser": "laser beam shot",
            "missile": "guided missile launch",
            "flap": "wings flapping",
            "shock": "shock wave",
            "land": "tank landing",
            "jump": "tank jumping",
            "burrow": "tank burrowing",
            "pop": "pop of appearing",
        },
    ),
    licence="LGPL-2.1 or MPL-2.0",
    expected=15,
)
