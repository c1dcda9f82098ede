"""OpenSFX, the sounds of OpenTTD: trains, ships, planes, weather and animals. Test only: the demo plays them."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords
from omnisearch_training.datasets.named_sounds import debian
from omnisearch_training.datasets.wordnet import AUDIBLE, WORDNET, load_wordnet

OPENSFX = debian("openttd-opensfx")
_SILENT = re.compile(r"Unused|Splat|Good Year|Bad Year|Toyland|breakdown")
_SAYINGS = {
    "Sheep": "sheep bleating",
    "Cow": "cow mooing",
    "Horse": "horse neighing",
    "Monkeys": "monkeys screaming",
    "Bird": "tropical bird calling",
    "Wind": "wind blowing",
    "Cash till": "cash register ringing",
    "Level crossing": "railway crossing bell",
    "Oooh sound": "crowd saying ooh",
}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Take every sound out of the catalogue file that the game reads."""
    catalogue = workshop.packages[OPENSFX.name] / "usr/share/games/openttd/baseset/opensfx/opensfx.cat"
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    for number, (label, wave) in enumerate(_sounds(catalogue)):
        title = re.match(r'"([^"]+)"', label)
        if title is None or _SILENT.search(title[1]):
            continue
        plain = re.sub(r"\(\d\)", "", title[1].split(": ")[-1]).strip()
        name = _SAYINGS.get(plain, re.sub(r"[()]", "", plain).replace("/", " or ").lower())
        path = workshop.out / f"{number:02}-{name.replace(' ', '-')}.wav"
        path.write_bytes(wave)
        meaning = nouns.explain(name, AUDIBLE)
        details = (*with_keywords(name, [plain.lower()]), *([meaning] if meaning else ()))
        yield Draft(path.stem, name, {Modality.AUDIO: path}, details)


def _sounds(catalogue: Path) -> Iterator[tuple[str, bytes]]:
    """Split a catalogue: pairs of offset (its high bit is a flag) and size, then for each a label and a WAVE file."""
    data = catalogue.read_bytes()
    first = struct.unpack_from("<I", data)[0] & 0x7FFFFFFF
    for start in range(0, first, 8):
        offset, size = struct.unpack_from("<II", data, start)
        offset &= 0x7FFFFFFF
        length = data[offset]
        label = data[offset + 1 : offset + 1 + length].rstrip(b"\0").decode("latin-1")
        yield label, data[offset + 1 + length : offset + 1 + length + size]


DECLARATION = Declaration(
    name="openttd_sounds",
    about="trains, ships, planes, trucks, weather and animals; test only",
    modalities=(Modality.AUDIO,),
    packages=(OPENSFX, WORDNET),
    licence="CC0, CC-BY-3.0 and CC-BY-SA-3.0 (each sound's own, by the catalogue)",
    expected=46,
    read=read,
    held_out=True,
)
