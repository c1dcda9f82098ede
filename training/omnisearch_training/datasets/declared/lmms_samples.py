"""Samples of LMMS: drums, basses, instruments, beats and a crowd."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="lmms_samples",
    about="drums, basses, strings, instruments and beats, applause, wind chimes and a metronome",
    sounds=NamedSounds(
        package=debian("lmms-common"),
        folder="usr/share/lmms/samples",
        drop=r"^(shapes|waveforms)/|briff|undefined|chroma|start|stop01|!\.|tb303|909|zap|matrix|juno|korg|nord|orion",
        say={
            "bassdrum": "bass drum", "bassdrum acoustic": "acoustic bass drum",
            "clav": "claves", "crash": "crash cymbal", "ride": "ride cymbal", "rim": "rim shot",
            "hihat closed": "closed hi-hat cymbal", "hihat opened": "open hi-hat cymbal", "hihat foot pedal": "pedal hi-hat cymbal",
            "kick": "kick drum", "kick hiphop": "hip hop kick drum", "kick distorted": "distorted kick drum",
            "kick hard": "hard kick drum", "kick hardcore": "hard kick drum", "kick long": "long kick drum",
            "kick soft": "soft kick drum",
            "rave kick": "rave kick drum", "rave snare": "rave snare drum", "rave hihat": "rave hi-hat cymbal",
            "nasty bass": "distorted bass drum", "nasty rim": "rim shot", "nasty snare": "distorted snare drum",
            "snare": "snare drum", "snare acoustic": "acoustic snare drum", "snare electro": "electronic snare drum",
            "snare harsh": "harsh snare drum", "snare hiphop": "hip hop snare drum",
            "snare muffled": "muffled snare drum", "snare rim": "snare rim shot", "snare short": "short snare drum",
            "sidestick": "side stick", "tom": "tom drum", "tom hi": "high tom drum", "tom low": "low tom drum",
            "tom mid": "middle tom drum", "wood": "wood block", "clap": "clapping hands",
            "bass": "synth bass", "bass acid": "acid bass", "bass hard": "hard synth bass",
            "bass punch": "punchy synth bass", "bassslap": "slap bass",
            "break": "drum break", "house loop": "house beat", "jungle": "jungle beat",
            "explode": "explosion", "scratch": "record scratch", "warp": "warp sweep",
            "e organ": "electric organ", "e piano accord": "electric piano chord",
            "violin double stop": "violin double stop", "violin fingered": "violin",
            "violin pizzicato": "plucked violin",
            "steel guitar heavy distorted": "heavily distorted guitar",
            "steel guitar medium distorted": "distorted guitar",
            "steel guitar slight distorted": "slightly distorted guitar",
            "breath": "breathing", "dong": "gong of metal", "metalish dong": "metallic gong",
            "raving crowd": "cheering crowd", "snaph": "snapping fingers", "chorus": "choir",
            "heaven strings": "synth strings", "space strings": "synth strings", "rave choir": "synth choir",
        },
        folders=False,
    ),
    licence="GPL-2+",
    expected=157,
)  # fmt: skip
