"""Samples of Sonic Pi: drums, guitars, electronic and ambient sounds."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="sonic_pi_samples",
    about="drums, tabla, guitar, bass, electronic and ambient samples",
    sounds=NamedSounds(
        package=debian("sonic-pi-samples"),
        folder="usr/share/sonic-pi/samples",
        drop=r"loop_(amen_full|compus|garzul|mika|mehackit|weirdo)",
        say={
            "bd": "bass drum kick",
            "sn": "snare drum",
            "elec": "electronic",
            "perc": "percussion",
            "ambi": "ambient",
            "guit": "electric guitar",
            "misc": "",
            "loop": "rhythm loop of",
            "mehackit robot": "robot voice",
            "mehackit phone": "telephone dial tone",
            "drum cymbal": "cymbal",
            "drum splash": "splash cymbal",
            "drum tom": "tom drum",
            "drum snare": "snare drum",
            "drum bass": "bass drum",
            "drum cowbell": "cowbell",
            "hi": "high",
            "lo": "low",
            "amen": "drum break",
            "tabla .*": "tabla drum",
        },
        keywords=("music", "sample"),
    ),
    licence="CC0",
    expected=158,
)
