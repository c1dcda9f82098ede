"""Render SVG drawings to PNG files on white, in a pool of processes."""

import io
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import resvg_py
from PIL import Image

from omnisearch.durable import written_aside

SIDE = 288


def rasterise(drawings: Iterable[tuple[str | Path, Path]], side: int = SIDE) -> Iterator[bool]:
    """Render each (SVG text or path, target) to a PNG with a longer side of `side` pixels; yield whether it was drawn.

    An existing target is kept; a blank drawing or a single line counts as not drawn.
    Results come in the order of the drawings.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1), mp_context=context) as pool:
        jobs = ((svg, target, side) for svg, target in drawings)
        yield from pool.map(_draw, jobs, chunksize=64)


def _draw(job: tuple[str | Path, Path, int]) -> bool:
    svg, target, side = job
    if target.exists():
        return True
    path, text = (str(svg), None) if isinstance(svg, Path) else (None, svg)
    try:
        # 96 dots per inch give a size to drawings measured in millimetres.
        png = resvg_py.svg_to_bytes(
            svg_path=path, svg_string=text, width=side, dpi=96, background="#ffffff", skip_system_fonts=True
        )
        image = Image.open(io.BytesIO(bytes(png))).convert("RGB")
    except (ValueError, OSError, Image.DecompressionBombError):
        return False
    image.thumbnail((side, side))
    if min(image.size) < side // 8 or len(set(image.convert("L").getextrema())) == 1:
        return False
    with written_aside(target) as aside:
        image.save(aside, "PNG")
    return True
