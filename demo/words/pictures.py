"""Pictures with words: screenshots of a chat, receipts, slides, and signs in a scenery."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from demo.words.fonts import Fonts
from demo.words.scenery import scenery

# Left, top, width and height, in shares of the sides.
Box: TypeAlias = tuple[float, float, float, float]
_SPACED = {"chinese", "japanese"}  # scripts that break a line between any two characters


@dataclass(frozen=True)
class Drawn:
    """A picture with the box of its first phrase."""

    picture: Image.Image
    box: Box


Draw: TypeAlias = Callable[[np.random.Generator, Fonts, str, Sequence[str]], Drawn]


def screenshot(random: np.random.Generator, fonts: Fonts, script: str, phrases: Sequence[str]) -> Drawn:
    """A chat on a telephone, with a bubble for each phrase, in a random order."""
    dark = bool(random.integers(2))
    paper, ink = ((24, 26, 32), (230, 230, 235)) if dark else ((245, 246, 248), (25, 25, 30))
    picture = Image.new("RGB", (720, 1280), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 720, 110), fill=(40, 90, 160))
    pen.ellipse((24, 24, 86, 86), fill=(230, 190, 120))
    pen.text((110, 32), f"{random.integers(8, 20)}:{random.integers(10, 60)}", (255, 255, 255), fonts.of("latin", 34))
    font, top, found = fonts.of(script, int(random.integers(26, 36))), 150, None
    for at in random.permutation(len(phrases)):
        mine = bool(random.integers(2))
        lines = wrapped(phrases[at], font, 430, script)
        height, width = int(1.5 * font.size) * len(lines), max(round(font.getlength(line)) for line in lines)
        left = 720 - width - 80 if mine else 40
        fill = ((45, 110, 75) if mine else (50, 54, 62)) if dark else ((200, 235, 205) if mine else (225, 228, 234))
        pen.rounded_rectangle((left, top, left + width + 40, top + height + 24), 18, fill=fill)
        box = written(pen, (left + 20, top + 12), lines, font, ink)
        found = box if at == 0 else found
        top += height + 24 + int(random.integers(20, 70))
    return _with(picture, found)


def receipt(random: np.random.Generator, fonts: Fonts, script: str, phrases: Sequence[str]) -> Drawn:
    """A receipt with a phrase for each thing that was bought, with prices, on a table."""
    paper = Image.new("RGB", (520, 900), (250, 249, 244))
    pen, font = ImageDraw.Draw(paper), fonts.of(script, 24)
    plain = fonts.of("latin", 22)
    pen.text((260, 40), f"No. {random.integers(1000, 9999)}", (30, 30, 30), fonts.of("latin", 34, 1), anchor="mt")
    top, found = 130, None
    for at in random.permutation(len(phrases)):
        lines = wrapped(phrases[at], font, 350, script)
        box = written(pen, (36, top), lines, font, (35, 35, 38))
        pen.text((484, top), f"{random.uniform(1, 90):.2f}", (35, 35, 38), plain, anchor="ra")
        found = box if at == 0 else found
        top += int(1.5 * font.size) * len(lines) + 18
    pen.line((36, top, 484, top), fill=(60, 60, 60), width=2)
    picture = scenery(random, (720, 1040))
    picture.paste(paper, (100, 70))
    assert found is not None
    left, up, right, down = found
    return _with(picture, (left + 100, up + 70, right + 100, down + 70))


def slide(random: np.random.Generator, fonts: Fonts, script: str, phrases: Sequence[str]) -> Drawn:
    """A slide with the first phrase as its title, and the others as points."""
    colours = (((24, 48, 88), (255, 255, 255)), ((255, 255, 255), (40, 40, 48)), ((250, 214, 92), (50, 40, 10)))
    paper, ink = colours[int(random.integers(len(colours)))]
    picture = Image.new("RGB", (1280, 720), paper)
    pen, font = ImageDraw.Draw(picture), fonts.of(script, 54, 1)
    pen.rectangle((0, 0, 18, 720), fill=(210, 80, 60))
    box = written(pen, (90, 80), wrapped(phrases[0], font, 1080, script), font, ink)
    for n, phrase in enumerate(phrases[1:]):
        pen.ellipse((96, 300 + 90 * n, 112, 316 + 90 * n), fill=(210, 80, 60))
        written(pen, (140, 284 + 90 * n), [phrase], fonts.of(script, 34), ink)
    return _with(picture, box)


def sign(random: np.random.Generator, fonts: Fonts, script: str, phrases: Sequence[str]) -> Drawn:
    """A sign in a scenery, slightly turned, with the first phrase in large letters."""
    font = fonts.of(script, int(random.integers(34, 54)), 1)
    lines = wrapped(phrases[0], font, 420, script)
    width, height = max(round(font.getlength(line)) for line in lines) + 60, int(1.5 * font.size) * len(lines) + 50
    boards = (((20, 90, 50), (255, 255, 255)), ((30, 60, 140), (255, 255, 255)), ((245, 240, 225), (40, 30, 20)))
    paper, ink = boards[int(random.integers(len(boards)))]
    board = Image.new("RGBA", (width, height), (*paper, 255))
    pen = ImageDraw.Draw(board)
    pen.rectangle((6, 6, width - 7, height - 7), outline=ink, width=3)
    written(pen, (30, 22), lines, font, ink)
    board = board.rotate(float(random.uniform(-6, 6)), Image.Resampling.BICUBIC, expand=True)
    picture = scenery(random)
    spare = np.array(picture.size) - board.size
    left, top = (int(random.integers(0, max(1, room))) for room in spare)
    picture.paste(board, (left, top), board)
    return _with(picture, (left, top, left + board.width, top + board.height))


DRAWS: Mapping[str, Draw] = {"screenshot": screenshot, "receipt": receipt, "slide": slide, "sign": sign}


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float, script: str) -> list[str]:
    """Break a text into lines that are at most `width` wide, between words or, in some scripts, characters."""
    gap = "" if script in _SPACED else " "
    lines = [""]
    for part in text if script in _SPACED else text.split():
        longer = f"{lines[-1]}{gap}{part}" if lines[-1] else part
        if lines[-1] and font.getlength(longer) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def written(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    lines: Sequence[str],
    font: ImageFont.FreeTypeFont,
    ink: int | tuple[int, int, int],
) -> tuple[float, float, float, float]:
    """Write lines below each other, and return the left, top, right and bottom of what was written, in pixels."""
    bounds = []
    for n, line in enumerate(lines):
        place = at[0], at[1] + n * int(1.5 * font.size)
        pen.text(place, line, ink, font)
        bounds.append(pen.textbbox(place, line, font))
    left, top, right, bottom = zip(*bounds, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _with(picture: Image.Image, bounds: tuple[float, float, float, float] | None) -> Drawn:
    assert bounds is not None
    left, top, right, bottom = bounds
    width, height = picture.size
    box = left / width, top / height, (right - left) / width, (bottom - top) / height
    return Drawn(picture, tuple(round(side, 4) for side in box))  # type: ignore[arg-type]
