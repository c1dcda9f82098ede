"""Drawings of things: the SVG files beside this module, in variations."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from omnisearch.types import Pixels

SIDE = 384
_FOLDER = Path(__file__).parent / "drawings"


class Style(NamedTuple):
    """A variation: the ground's colour, a turn and a turn of all hues in degrees, a scale, and whether it is mirrored.

    `saturation` 0 makes the drawing grey.
    """

    ground: str = "#ffffff"
    turn: float = 0
    scale: float = 0.86
    mirrored: bool = False
    hue: float = 0
    saturation: float = 1


PLAIN = Style()


def make_drawing(thing: str, style: Style = PLAIN) -> Pixels:
    """Return the drawing of a thing, uint8 (SIDE, SIDE, 3)."""
    import resvg_py

    drawn = (_FOLDER / f"{thing}.svg").read_text(encoding="utf-8")
    flip = -style.scale if style.mirrored else style.scale
    place = f"translate(50 50) rotate({style.turn}) scale({flip} {style.scale}) translate(-50 -50)"
    colors = (
        f'<feColorMatrix type="hueRotate" values="{style.hue}"/>'
        f'<feColorMatrix type="saturate" values="{style.saturation}"/>'
    )
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<filter id="colors" color-interpolation-filters="sRGB">{colors}</filter>'
        f'<rect width="100" height="100" fill="{style.ground}"/>'
        f'<g filter="url(#colors)"><g transform="{place}">{drawn}</g></g></svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=text, width=SIDE, skip_system_fonts=True)
    return np.asarray(Image.open(BytesIO(png), formats=["PNG"]).convert("RGB"))
