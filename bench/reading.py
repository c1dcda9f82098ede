"""Text in pictures and speech in sound, at both levels: python bench/reading.py demo/corpus --level fast

False text: the pictures of a folder, most of which show none. Recall: phrases of several heights, in photographs.
Seconds are processor time on one thread. Speech needs the speech model, and the extra `dev` for its voice.
"""

import argparse
import random
import resource
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from omnisearch.config import load_settings
from omnisearch.errors import MediaError
from omnisearch.media.material.wanted import RATE
from omnisearch.media.pool import DecoderPool
from omnisearch.reading.item import PICTURES
from omnisearch.reading.ocr import EFFORTS, Ocr
from omnisearch.reading.reader import Level
from omnisearch.reading.speech import Speech
from omnisearch.spaces.weights.ocr_models import installed_ocr_models
from omnisearch.spaces.weights.speech_models import speech_folder
from omnisearch.types import Pixels

FONT = "DejaVuSans.ttf"
HEIGHTS = (10, 14, 20, 28, 40, 60)  # of the font, in pixels of a picture 1,280 wide
WORDS = """
budget meeting thursday invoice total amount receipt flight lisbon gate kitchen garden window exit platform museum
library chapter figure summary question answer battery charger password network
"""
SENTENCES = (
    "The budget meeting is on Thursday at nine o'clock.",
    "Please remember to water the plants in the kitchen.",
    "Our flight to Lisbon leaves at a quarter past seven.",
    "She bought fresh bread and a bottle of milk this morning.",
    "The library opens every day except on Sunday.",
    "He forgot his umbrella on the train to Berlin.",
)


def pictures(folder: Path, level: Level) -> Iterator[tuple[str, Pixels]]:
    """Yield the images below a folder as the decoders send them."""
    with DecoderPool(load_settings(), workers=1) as pool:
        for path in sorted((folder / "images").rglob("*")):
            if path.is_file():
                try:
                    pieces = list(pool.material(path, PICTURES[level]).pieces)
                except MediaError:
                    continue
                yield path.name, np.asarray(pieces[0].content)


def false_text(ocr: Ocr, folder: Path, level: Level) -> None:
    """Print the pictures in which text was read; the even ones were looked at when the thresholds were chosen."""
    count, seen, seconds = [0, 0], [0, 0], []
    for number, (name, pixels) in enumerate(pictures(folder, level)):
        start = process_time()
        found = ocr.read(pixels, level, [])
        seconds.append(process_time() - start)
        count[number % 2] += 1
        seen[number % 2] += bool(found)
        if found:
            print(f"  {number % 2} {name}: {[(line.text, round(line.confidence, 2)) for line in found][:4]}")
    print(f"{level}: text in {seen[0]} of {count[0]} even pictures and {seen[1]} of {count[1]} odd ones;")
    print(f"  {np.mean(seconds):.2f} s a picture, median {np.median(seconds):.2f}")


def recall(ocr: Ocr, folder: Path, level: Level, each: int) -> None:
    """Print how many phrases of each height are read without an error, drawn into photographs."""
    draw = random.Random(7)
    photographs = [pixels for _, pixels in pictures(folder, level) if min(pixels.shape[:2]) >= 480]
    for height in HEIGHTS:
        font, right, seconds = ImageFont.truetype(FONT, height), 0, []
        for _ in range(each):
            picture = Image.fromarray(draw.choice(photographs)).resize((1280, 960))
            phrase = " ".join(draw.sample(WORDS.split(), 3))
            box = ImageDraw.Draw(picture).textbbox((draw.randint(0, 300), draw.randint(0, 850)), phrase, font)
            ink, paper = draw.choice((("white", "black"), ("black", "white"), ("yellow", "navy")))
            if draw.random() < 0.5:
                ImageDraw.Draw(picture).rectangle([box[0] - 6, box[1] - 6, box[2] + 6, box[3] + 6], fill=paper)
            ImageDraw.Draw(picture).text(box[:2], phrase, ink, font, "lt")
            start = process_time()
            found = " ".join(line.text for line in ocr.read(np.asarray(picture), level, [])).casefold()
            seconds.append(process_time() - start)
            right += phrase in found
        print(f"{level}: {height} pixels: {right} of {each} phrases, {np.mean(seconds):.2f} s")


def speech(level: Level) -> None:
    """Print the share of wrong words of spoken sentences, and the speed in seconds of sound a second."""
    from tests.reading.speaker import AMERICAN, BRITISH, say

    folder = speech_folder(load_settings())
    assert folder is not None
    pause = np.zeros(2 * RATE, np.float32)
    spoken = [part for sentence in SENTENCES for voice in (AMERICAN, BRITISH) for part in (say(sentence, voice), pause)]
    transcript, sound, heard = Speech(folder, 1).begin(level), np.concatenate(spoken), []
    start = process_time()
    for first in range(0, len(sound), 30 * RATE):
        heard += transcript.add(sound[first : first + 30 * RATE])
    heard += transcript.end()
    seconds = process_time() - start
    for reading in heard:
        print(f"  {reading.start:6.1f} {reading.text}")
    print(f"{level}: {len(sound) / RATE:.0f} s of sound in {seconds:.1f} s")


def main() -> None:
    """Measure a level."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--level", choices=list(EFFORTS), default="fast")
    parser.add_argument("--each", type=int, default=20, help="phrases of each height")
    parser.add_argument("--only", choices=("false", "recall", "speech"))
    given = parser.parse_args()
    ocr = Ocr(1, installed_ocr_models(load_settings()))
    if given.only in (None, "false"):
        false_text(ocr, given.folder, given.level)
    if given.only in (None, "recall"):
        recall(ocr, given.folder, given.level, given.each)
    if given.only in (None, "speech"):
        speech(given.level)
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB of memory at most")


if __name__ == "__main__":
    main()
