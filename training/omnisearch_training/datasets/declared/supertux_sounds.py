"""Sounds of SuperTux: everyday and cartoon effects."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="supertux_sounds",
    about="splashes, fire, doors, coins and other effects of a platform game",
    sounds=NamedSounds(
        package=debian("supertux-data"),
        folder="usr/share/games/supertux2/sounds",
        drop=r"welldone|kill|warp|upgrade|empty|invincible|locked|willo|excellent|savebell2|lifeup|pshit|yeti_(gna|finish)|retro",
        say={
            "coins? cleared": "coins",
            "darthit": "dart hit",
            "dartfire": "dart shot",
            "savebell low": "bell",
            "mr treehit": "tree creature hit",
            "mr tree": "tree creature",
            "icecrash": "ice breaking",
            "iceblock bump": "ice block bump",
            "bigjump": "big jump",
            "crystallo shardhit": "crystal shard hit",
            "crystallo": "crystal",
            "turnkey": "key turning",
            "tada": "fanfare",
            "phone": "telephone ringing",
            "ticking": "clock ticking",
            "saw": "saw cutting",
            "skid": "skidding",
            "brick": "brick breaking",
            "thunder": "thunder rumbling",
            "rain": "rain falling",
        },
    ),
    licence="GPL-2+ and CC-BY-SA-4.0",
    expected=62,
)
