"""Sounds of FreedroidRPG: robots, weapons and things."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="freedroid_sounds",
    about="weapons, robots and things of a science fiction game",
    sounds=NamedSounds(
        package=debian("freedroidrpg-data"),
        folder="usr/share/freedroidrpg/data/sound/effects",
        drop=r"voice_samples|comments|Menu|Takeover|Mission|First_Contact|ThouArt|Influencer|read_sign|Item_Drop|Item_Armour|death_sound|No_Ammo",
        say={
            "sound": "",
            "swing then hit": "sword swing and hit",
            "swing then nohit": "sword swing and miss",
            "military": "military gun shot",
            "exterminator": "heavy energy gun shot",
            "flash": "flash of energy",
            "phaser": "phaser gun shot",
            "blast": "explosion blast",
            "got into blast": "caught in an explosion",
            "camera takes picture": "camera taking a picture",
            "glass break": "glass breaking",
            "tux footstep": "footstep",
            "start attack": "robot starting an attack",
            "shop item sold": "coins of a sale",
            "shop item bought": "coins of a purchase",
            "shop item repaired": "repair with tools",
            "new": "",
            "leave elevator": "elevator",
            "item range weapon put": "gun taken in hand",
            "spell force to energy": "magic spell",
            "bullet reflected": "bullet ricochet",
            "open chest": "chest opening",
        },
    ),
    licence="GPL-2+",
    expected=50,
)
