"""The instruments of General MIDI, played from two sound fonts."""

import re
from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords
from omnisearch_training.datasets.named_sounds import debian
from omnisearch_training.datasets.soundfont import Note, play
from omnisearch_training.datasets.wordnet import AUDIBLE, WORDNET, load_wordnet

FLUID = debian("fluid-soundfont-gm")
TIM = debian("timgm6mb-soundfont")
_FONTS = {FLUID.name: "usr/share/sounds/sf2/FluidR3_GM.sf2", TIM.name: "usr/share/sounds/sf2/TimGM6mb.sf2"}

# General MIDI level 1: sixteen families of eight programs, in the order of their numbers.
_FAMILIES = {
    "keyboard": "grand piano|bright piano|electric grand piano|honky-tonk piano|electric piano|chorused electric piano|"
    "harpsichord|clavinet",
    "chimes": "celesta|glockenspiel|music box|vibraphone|marimba|xylophone|tubular bells|dulcimer",
    "organ": "hammond organ|percussive organ|rock organ|church organ|reed organ|accordion|harmonica|tango accordion",
    "guitar": "nylon string guitar|steel string guitar|jazz guitar|clean electric guitar|muted electric guitar|"
    "overdriven guitar|distorted guitar|guitar harmonics",
    "bass": "acoustic bass|fingered bass guitar|picked bass guitar|fretless bass guitar|slap bass guitar|"
    "popped bass guitar|synthesizer bass|deep synthesizer bass",
    "strings": "violin|viola|cello|double bass|tremolo strings|plucked strings|harp|kettledrum",
    "ensemble": "string orchestra|slow string orchestra|synthesizer strings|soft synthesizer strings|choir singing aah|"
    "voices singing ooh|synthesizer voice|orchestra hit",
    "brass": "trumpet|trombone|tuba|muted trumpet|french horn|brass section|synthesizer brass|soft synthesizer brass",
    "reed": "soprano saxophone|alto saxophone|tenor saxophone|baritone saxophone|oboe|english horn|bassoon|clarinet",
    "pipe": "piccolo|flute|recorder|pan flute|blown bottle|shakuhachi|whistle|ocarina",
    "synthesizer lead": "square wave|sawtooth wave|calliope|chiff lead|charang lead|voice lead|fifths lead|bass lead",
    "synthesizer pad": "new age pad|warm pad|polysynth pad|choir pad|bowed glass pad|metallic pad|halo pad|sweep pad",
    "synthesizer effect": "ice rain effect|soundtrack effect|crystal effect|atmosphere effect|brightness effect|"
    "goblin effect|echo effect|star theme effect",
    "ethnic": "sitar|banjo|shamisen|koto|kalimba|bagpipe|fiddle|shanai",
    "percussion": "tinkle bell|agogo bell|steel drum|woodblock|taiko drum|melodic tom drum|synthesizer drum|"
    "reversed cymbal",
    "sound effect": "guitar fret noise|breath noise|sea shore waves|bird tweet|telephone ringing|helicopter|applause|"
    "gunshot",
}
# Keys 35 to 81 of the percussion channel.
_DRUMS = [
    "acoustic bass drum",
    "bass drum",
    "side stick",
    "snare drum",
    "hand clap",
    "electric snare drum",
    "low floor tom",
    "closed hi-hat",
    "high floor tom",
    "pedal hi-hat",
    "low tom",
    "open hi-hat",
    "low mid tom",
    "high mid tom",
    "crash cymbal",
    "high tom",
    "ride cymbal",
    "chinese cymbal",
    "ride bell",
    "tambourine",
    "splash cymbal",
    "cowbell",
    "second crash cymbal",
    "vibraslap",
    "second ride cymbal",
    "high bongo",
    "low bongo",
    "mute high conga",
    "open high conga",
    "low conga",
    "high timbale",
    "low timbale",
    "high agogo",
    "low agogo",
    "cabasa",
    "maracas",
    "short whistle",
    "long whistle",
    "short guiro",
    "long guiro",
    "claves",
    "high woodblock",
    "low woodblock",
    "mute cuica",
    "open cuica",
    "mute triangle",
    "open triangle",
]
_FIRST_DRUM = 35
# Key and loudness of each take; low instruments are played low.
_KEYS = ((48, 100), (60, 70), (60, 110), (67, 90), (76, 100))
_DEEP_KEYS = ((28, 100), (36, 90), (43, 110), (48, 80), (52, 100))
_DEEP = re.compile(r"bass|tuba|kettledrum|cello|bassoon|trombone")
_DRUM_LOUDNESSES = (80, 115)


def read(workshop: Workshop) -> Iterator[Draft]:
    """Play every program on five keys and every drum at two loudnesses, from each font."""
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    for font, path in _FONTS.items():
        takes = list(_takes(workshop.out, font))
        heard = play(workshop.packages[font] / path, [note for _, _, note in takes])
        for (name, family, note), audible in zip(takes, heard, strict=True):
            if audible:
                meaning = nouns.explain(name, AUDIBLE)
                details = (*with_keywords(name, [family, "music"]), *([meaning] if meaning else ()))
                yield Draft(note.path.stem, name, {Modality.AUDIO: note.path}, details)


def _takes(out: Path, font: str) -> Iterator[tuple[str, str, Note]]:
    """Yield (name, family, note) of every note."""
    program = 0
    for family, names in _FAMILIES.items():
        for name in names.split("|"):
            for key, loudness in _DEEP_KEYS if _DEEP.search(name) else _KEYS:
                yield name, family, Note(program, key, loudness, _file(out, font, name, key, loudness))
            program += 1
    for key, name in enumerate(_DRUMS, _FIRST_DRUM):
        for loudness in _DRUM_LOUDNESSES:
            yield name, "drum", Note(None, key, loudness, _file(out, font, name, key, loudness))


def _file(out: Path, font: str, name: str, key: int, loudness: int) -> Path:
    return out / f"{name.replace(' ', '-')}.{key}.{loudness}.{font.split('-')[0]}.flac"


DECLARATION = Declaration(
    name="instruments",
    about="the 128 instruments and 47 drums of General MIDI, several notes each, from two sound fonts",
    modalities=(Modality.AUDIO,),
    packages=(FLUID, TIM, WORDNET),
    licence="MIT (FluidR3), GPL-2 (TimGM6mb)",
    expected=1467,
    read=read,
)
