"""Pictures: what of a damaged one is read, true colours, visible drawings, large files, and more formats."""

import gzip
import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from omnisearch.errors import MediaError, Reason
from omnisearch.media import image as decoding
from omnisearch.media.detect import detect
from omnisearch.media.file import Source
from omnisearch.media.images import limits, pillow
from omnisearch.media.pool import DecoderPool
from omnisearch.media.rendition import Rendition
from omnisearch.types import Pixels, Region
from tests.media import makers
from tests.media.image_makers import (
    PROPHOTO,
    SRGB,
    deep_psd,
    dng,
    encoded,
    exr,
    linear,
    mosaic,
    profile,
    psd,
    radiance,
)


def read(
    data: bytes,
    name: str = "a.png",
    part: Region | None = None,
    side: int = limits.LONGER_SIDE,
    shorter_side: int | None = None,
) -> tuple[Pixels, list[str]]:
    notes: list[str] = []
    source = Source(io.BytesIO(data), len(data), name, slice=part, side=side, shorter_side=shorter_side)
    return decoding.read(source, detect(source), notes), notes


def refused(data: bytes, name: str) -> MediaError:
    with pytest.raises(MediaError) as caught:
        read(data, name)
    return caught.value


def far(first: Pixels, second: Pixels | Image.Image) -> float:
    """The mean difference of two pictures."""
    return float(np.abs(first.astype(float) - np.asarray(second, dtype=float)).mean())


def noisy() -> Image.Image:
    noise = np.random.default_rng(0).integers(-20, 20, (400, 600, 3))
    return Image.fromarray((np.asarray(makers.picture(600, 400)) + noise).clip(1, 254).astype(np.uint8))


# ---- damaged files

CUT = {
    "a.jpg": ("JPEG", {}),
    "b.jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    "a.png": ("PNG", {}),
    "a.webp": ("WEBP", {}),
    "b.webp": ("WEBP", {"lossless": True}),
    "a.gif": ("GIF", {"interlace": 0}),
    "a.tif": ("TIFF", {}),
    "a.bmp": ("BMP", {}),
}


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("kept", [0.5, pytest.param(0.8, marks=pytest.mark.slow)])
def test_the_rows_that_decode_are_read(name: str, kept: float) -> None:
    kind, options = CUT[name]
    data = encoded(noisy(), kind, **options)
    whole, notes = read(data, name)
    assert notes == []
    part, notes = read(data[: int(len(data) * kept)], name)
    (note,) = notes
    share = int(re.fullmatch(r"partly read: (\d+)% of the rows of the picture decode", note)[1]) / 100
    assert share == pytest.approx(kept, abs=0.13)
    assert len(part) == pytest.approx(share * len(whole), abs=3)
    there = whole[-len(part) :] if name == "a.bmp" else whole[: len(part)]
    rows = slice(20, None) if name == "a.bmp" else slice(0, -20)
    assert far(part[rows], there[rows]) < 1


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_without_its_end_is_read_whole(options: dict[str, bool], pool: DecoderPool, tmp_path: Path) -> None:
    data = encoded(noisy(), "JPEG", **options)
    (tmp_path / "a.jpg").write_bytes(data[:-2])
    decoded = pool.decode(tmp_path / "a.jpg")
    (piece,) = decoded.pieces
    assert far(piece.content, read(data, "a.jpg")[0]) < 0.1
    assert decoded.notes == ["partly read: the file is incomplete or damaged, but all rows of the picture decode"]
    with (tmp_path / "a.jpg").open("rb") as file:
        assert pool.render(tmp_path / "a.jpg", file.fileno(), Rendition.SMALL) is not None


def test_half_a_progressive_jpeg_is_a_coarse_picture() -> None:
    data = encoded(noisy(), "JPEG", progressive=True)
    part, notes = read(data[: len(data) // 2], "a.jpg")
    assert part.shape == (400, 600, 3)
    assert far(part, noisy()) < 20
    assert len(notes) == 1


def test_half_an_interlaced_gif_is_a_coarse_picture() -> None:
    data = encoded(noisy(), "GIF", interlace=1)
    part, notes = read(data[: len(data) // 2], "a.gif")
    assert far(part, noisy().resize(part.shape[1::-1])) < 30
    assert 0.3 < int(re.findall(r"\d+", notes[0])[0]) / 100 < 0.6


@pytest.mark.parametrize("name", CUT)
def test_next_to_nothing_is_damaged(name: str) -> None:
    kind, options = CUT[name]
    data = encoded(noisy(), kind, **options)
    assert refused(data[: len(data) // 20], name).reason is Reason.DAMAGED


def test_a_region_of_a_damaged_picture_is_where_it_was() -> None:
    data = encoded(noisy(), "PNG")
    found, _ = read(data[: len(data) * 3 // 4], "a.png", Region(100, 50, 80, 40))
    assert far(found, np.asarray(noisy())[50:90, 100:180]) == 0


# ---- transparency

SHAPES = ("ellipse", "rectangle", "line", "triangle", "cross", "arc")


def drawing(shape: str, color: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGBA", (96, 96), (*color, 0))
    pen, ink = ImageDraw.Draw(image), (*color, 255)
    match shape:
        case "ellipse":
            pen.ellipse((20, 20, 76, 76), fill=ink)
        case "rectangle":
            pen.rectangle((10, 40, 86, 60), fill=ink)
        case "line":
            pen.line((5, 90, 90, 5), fill=ink, width=6)
        case "triangle":
            pen.polygon([(48, 8), (8, 88), (88, 88)], fill=ink)
        case "cross":
            pen.line((10, 10, 86, 86), fill=ink, width=8)
            pen.line((86, 10, 10, 86), fill=ink, width=8)
        case _:
            pen.arc((12, 12, 84, 84), 20, 250, fill=ink, width=6)
    return image


@pytest.mark.parametrize("color", [(255, 255, 255), (250, 250, 210), (0, 0, 0), (200, 30, 30)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF"])
def test_a_drawing_is_seen_on_its_ground(color: tuple[int, int, int], kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    seen = [read(encoded(drawing(shape, color), kind, **options), f"a.{kind.lower()[:4]}")[0] for shape in SHAPES]
    for pixels in seen:
        grey = pixels.mean(axis=2)
        assert grey.max() - grey.min() > 100
    for i, one in enumerate(seen):
        assert all(far(one, other) > 5 for other in seen[:i])


def test_light_without_transparency_stays() -> None:
    image = Image.new("RGBA", (32, 32), (250, 250, 250, 255))
    assert (read(encoded(image, "PNG"))[0] == 250).all()
    assert (read(encoded(Image.new("RGBA", (32, 32), (255, 255, 255, 0)), "PNG"))[0] == 255).all()


# ---- colours


def in_profile(image: Image.Image, primaries: np.ndarray, gamma: float) -> Image.Image:
    """The values of a picture in another space of colours."""
    light = linear(image) @ (np.linalg.inv(primaries) @ SRGB).T
    return Image.fromarray((light.clip(0, 1) ** (1 / gamma) * 255).round().astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "JXL"])
@pytest.mark.parametrize(("primaries", "gamma"), [(PROPHOTO, 1.8), (SRGB[:, ::-1], 2.2)])
def test_a_profile_is_applied(kind: str, primaries: np.ndarray, gamma: float) -> None:
    import pillow_jxl  # noqa: F401

    true = Image.fromarray(np.asarray(makers.picture()) // 2 + 64)
    options = {"lossless": True} if kind in ("WEBP", "JXL") else {"quality": 98} if kind == "JPEG" else {}
    icc = profile(primaries, gamma)
    stored = in_profile(true, primaries, gamma)
    if kind == "JXL":  # the plugin writes no profile
        pixels = np.asarray(decoding.over_ground(decoding.to_srgb(_with_profile(stored, icc), [])))
    else:
        pixels = read(encoded(stored, kind, icc_profile=icc, **options), f"a.{kind.lower()}")[0]
    assert far(np.asarray(stored), true) > 10
    assert far(pixels, true) < 3


def _with_profile(image: Image.Image, icc: bytes) -> Image.Image:
    image.info["icc_profile"] = icc
    return image


def test_a_profile_keeps_transparency() -> None:
    image = drawing("ellipse", (200, 30, 30))
    pixels, notes = read(encoded(image, "PNG", icc_profile=profile(SRGB[:, ::-1], 2.2)))
    assert notes == []
    assert pixels[48, 48, 2] > 150 > pixels[48, 48, 0]
    assert (pixels[2, 2] == 255).all()


@pytest.mark.parametrize("icc", [b"nonsense" * 40, profile(SRGB, 2.2)[:200], bytes(5 << 20)])
def test_a_profile_that_cannot_be_used_is_ignored(icc: bytes) -> None:
    pixels, notes = read(encoded(makers.picture(), "TIFF", icc_profile=icc), "a.tif")
    assert far(pixels, makers.picture()) == 0
    assert notes == ["the colour profile cannot be used and was ignored"]


def test_a_grey_picture_with_a_profile_of_colours() -> None:
    pixels, notes = read(encoded(makers.picture().convert("L"), "JPEG", icc_profile=profile(SRGB, 2.2)), "a.jpg")
    assert notes == []
    assert far(pixels, makers.picture().convert("L").convert("RGB")) < 4


# ---- depth


def grey16(bits: int) -> np.ndarray:
    return (np.asarray(makers.picture().convert("L"), np.float64) / 255 * (2**bits - 1)).round().astype(np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_white_is_white_at_any_depth(bits: int, kind: str) -> None:
    values = grey16(bits)
    values[0, 0] = 2**bits - 1
    pixels, _ = read(encoded(Image.fromarray(values), kind), f"a.{kind.lower()}")
    assert far(pixels, makers.picture().convert("L").convert("RGB")) < 1


def test_the_white_that_a_tiff_names() -> None:
    values = grey16(12) // 2  # no sample is near white
    pixels, _ = read(encoded(Image.fromarray(values), "TIFF", tiffinfo={281: 4095}), "a.tif")
    assert far(pixels, np.asarray(makers.picture().convert("L").convert("RGB")) // 2) < 1


def test_colours_of_twelve_bits_in_sixteen() -> None:
    values = (np.asarray(makers.picture(), np.float64) / 255 * 4095).round().astype(np.uint16)
    pixels, _ = read(png16(values))
    assert far(pixels, makers.picture()) < 1
    bright = (np.asarray(makers.picture(), np.float64) / 255 * 65535).round().astype(np.uint16)
    assert far(read(png16(bright))[0], makers.picture()) < 1


def png16(values: np.ndarray) -> bytes:
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# ---- large files


def test_a_jpeg_is_counted_as_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 40_000)
    monkeypatch.setattr(pillow, "MAX_PIXELS", 40_000)
    large = makers.picture(1600, 1200)  # at an eighth of its sides it has 30,000 pixels
    data = encoded(large, "JPEG", quality=95)
    assert far(read(data, "a.jpg", side=100)[0], large.resize((100, 75))) < 3
    assert refused(encoded(makers.picture(1700, 1600), "JPEG"), "a.jpg").reason is Reason.TOO_MANY_PIXELS
    assert refused(encoded(large, "PNG"), "a.png").reason is Reason.TOO_MANY_PIXELS
    region, _ = read(data, "a.jpg", Region(800, 600, 400, 400))
    assert far(region, large.crop((800, 600, 1200, 1000)).resize(region.shape[1::-1])) < 3


@pytest.mark.parametrize(
    ("form", "sides", "expected"),
    [
        ("JPEG", (1280, 960), (640, 480)),  # a quarter would have fewer than 320
        ("PNG", (1280, 960), (640, 480)),
        ("PNG", (1600, 3200), (512, 1024)),  # a third, and then the limit of the longer side
        ("JPEG", (1000, 300), (1000, 300)),
        ("PNG", (900, 470), (900, 470)),  # half would leave no room for the better filter
        ("JPEG", (4000, 100), (1024, 26)),
    ],
)
def test_a_picture_has_no_more_pixels_than_its_reader_needs(
    form: str, sides: tuple[int, int], expected: tuple[int, int]
) -> None:
    name = {"JPEG": "a.jpg", "PNG": "a.png"}[form]
    pixels, notes = read(encoded(makers.picture(*sides), form), name, shorter_side=320)
    assert (pixels.shape[1::-1], notes) == (expected, [])
    assert far(pixels, makers.picture(*sides).resize(expected)) < 3


def test_a_region_is_cut_from_all_pixels_and_then_reduced() -> None:
    data = encoded(makers.picture(2000, 2000), "PNG")
    assert read(data, "a.png", Region(0, 0, 1000, 1500), shorter_side=320)[0].shape == (750, 500, 3)


def test_a_progressive_jpeg_is_bounded_by_its_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow, "_MAX_COEFFICIENT_BYTES", 600 * 400 * 3 - 1)  # as many as 4:2:0 needs, but one
    for subsampling in (0, 2):
        data = encoded(noisy(), "JPEG", progressive=True, subsampling=subsampling)
        assert refused(data, "a.jpg").reason is Reason.TOO_MANY_PIXELS
    assert read(encoded(noisy(), "JPEG"), "a.jpg")[1] == []
    monkeypatch.setattr(pillow, "_MAX_COEFFICIENT_BYTES", 600 * 400 * 3)
    assert read(encoded(noisy(), "JPEG", progressive=True, subsampling=2), "a.jpg")[1] == []


def test_a_declared_giant_jpeg_is_refused_before_it_is_decoded() -> None:
    data = bytearray(encoded(makers.picture(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65000, 65000)
    assert refused(bytes(data), "a.jpg").reason is Reason.TOO_MANY_PIXELS


@pytest.mark.slow
def test_a_phone_picture_of_108_megapixels(pool: DecoderPool, tmp_path: Path) -> None:
    makers.picture(12032, 9024).save(tmp_path / "a.jpg", quality=90)
    (piece,) = pool.decode(tmp_path / "a.jpg").pieces
    assert far(piece.content, makers.picture(1024, 768)) < 3


# ---- more formats


def test_jpeg_2000_and_jpeg_xl() -> None:
    import pillow_jxl  # noqa: F401

    for kind, name in (("JPEG2000", "a.jp2"), ("JXL", "a.jxl")):
        assert far(read(encoded(makers.picture(), kind), name)[0], makers.picture()) < 6
    bare = encoded(makers.picture(), "JPEG2000", no_jp2=True)
    assert far(read(bare, "a.j2k")[0], makers.picture()) < 6


@pytest.mark.parametrize("size", [(2, 2), (64, 48), (48, 64), (300, 300), (1920, 1080), (1000, 7), (20000, 100)])
@pytest.mark.parametrize("container", [False, True])
def test_the_sides_of_a_jpeg_xl_are_in_its_header(size: tuple[int, int], container: bool) -> None:
    import pillow_jxl  # noqa: F401

    from omnisearch.media.images import jxl

    data = encoded(Image.new("RGB", size), "JXL", effort=1, use_container=container)
    assert jxl.sides(io.BytesIO(data)) == size


def test_photoshop() -> None:
    for mode in ("RGB", "L", "RGBA"):
        image = makers.picture().convert(mode)
        assert far(read(psd(image), "a.psd")[0], image.convert("RGB")) < 2
    deep = np.asarray(makers.picture(), np.uint16) * 257
    assert far(read(deep_psd(deep), "a.psd")[0], makers.picture()) < 1


@pytest.mark.parametrize("packed", [False, True])
def test_radiance(packed: bool) -> None:
    pixels, notes = read(radiance(linear(makers.picture()), packed), "a.hdr")
    assert far(pixels, makers.picture()) < 6
    assert notes == []


def test_half_a_radiance_picture() -> None:
    data = radiance(linear(makers.picture()))
    pixels, notes = read(data[: len(data) // 2], "a.hdr")
    assert len(pixels) == pytest.approx(24, abs=2)
    assert notes[0].startswith("partly read: ")
    assert refused(data[: len(data) // 20], "a.hdr").reason is Reason.DAMAGED


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_openexr(kind: type, tmp_path: Path) -> None:
    light = linear(makers.picture())
    pixels, _ = read(exr(tmp_path, {"RGB": light.astype(kind)}), "a.exr")
    assert far(pixels, makers.picture()) < 2
    grey, _ = read(exr(tmp_path, {"Y": light[..., 1].astype(kind)}), "a.exr")
    assert (grey[..., 0] == grey[..., 2]).all()
    layer = {f"beauty.{name}": light[..., i].astype(kind) for i, name in enumerate("RGB")}
    assert far(read(exr(tmp_path, layer), "a.exr")[0], makers.picture()) < 2


def test_openexr_over_its_ground(tmp_path: Path) -> None:
    alpha = np.zeros((48, 64), np.float32)
    alpha[10:30, 10:30] = 1
    light = np.ones((48, 64, 3), np.float32) * alpha[..., None]
    pixels, _ = read(exr(tmp_path, {"RGBA": np.dstack([light, alpha])}), "a.exr")
    assert pixels[20, 20].min() > 150
    assert pixels[40, 50].max() == 0


def test_tones_of_any_range_are_seen(tmp_path: Path) -> None:
    light = linear(makers.picture())
    for scale in (1e-4, 1, 1e4):
        pixels, _ = read(exr(tmp_path, {"RGB": (light * scale).astype(np.float32)}), "a.exr")
        assert 40 < pixels.mean() < 220
        assert pixels.std() > 30
    light[:5] = np.inf
    light[5:9] = np.nan
    assert read(exr(tmp_path, {"RGB": light}), "a.exr")[0].std() > 10


@pytest.mark.parametrize("orientation", [1, 6])
def test_raw_pictures(orientation: int) -> None:
    light = np.full((240, 320, 3), 0.1, np.float32)
    light[:, :160, 0] = light[:, 160:, 2] = 0.8
    for name in ("a.dng", "a.nef", "a"):
        pixels, _ = read(dng(mosaic(light), orientation=orientation), name)
        assert pixels.shape == ((160, 120, 3) if orientation == 6 else (120, 160, 3))
        first, last = pixels[10, 10].astype(int), pixels[-10, -10].astype(int)
        assert first[0] > first[2] + 60
        assert last[2] > last[0] + 60
    full, _ = read(dng(mosaic(light)), "a.dng", Region(0, 0, 320, 240))
    assert full.shape == (240, 320, 3)


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {}>{}</svg>'


def svg(body: str, sides: str = 'width="40" height="20"', before: str = "") -> bytes:
    return (before + SVG.format(sides, body)).encode()


RED = '<rect width="100%" height="100%" fill="red"/>'


@pytest.mark.parametrize(
    ("sides", "shape"),
    [
        ('width="40" height="20"', (512, 1024)),
        ('viewBox="0 0 10 40"', (1024, 256)),
        ('width="100%" height="100%" viewBox="-5 -5 20 20"', (1024, 1024)),
        ('width="2cm" height="10mm"', (512, 1024)),
        ('width="1e9" height="1e9"', (1024, 1024)),
        ("", (512, 1024)),
    ],
)
def test_svg_is_drawn_at_one_size(sides: str, shape: tuple[int, int]) -> None:
    for data in (svg(RED, sides), gzip.compress(svg(RED, sides))):
        pixels, _ = read(data, "a.svgz" if data[:1] == b"\x1f" else "a.svg")
        assert pixels.shape == (*shape, 3)
        assert (pixels[-5, -5] == (255, 0, 0)).all()


@pytest.mark.parametrize(
    "before",
    [
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n',
        '<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg"> <!ENTITY c "red">]>\n',
        "\ufeff",
    ],
)
def test_svg_is_recognised_by_its_content(before: str) -> None:
    body = RED.replace("red", "&c;") if "ENTITY c" in before else RED
    pixels, _ = read(svg(body, before=before), "a.bin")
    assert (pixels[5, 5] == (255, 0, 0)).all()


def test_svg_reaches_no_other_file(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10), "blue").save(tmp_path / "secret.png")
    for target in (str(tmp_path / "secret.png"), f"file://{tmp_path}/secret.png", "http://127.0.0.1:9/a.png"):
        for attribute in ("href", "xlink:href"):
            pixels, _ = read(svg(f'{RED}<image {attribute}="{target}" width="40" height="20"/>'), "a.svg")
            assert (pixels == (255, 0, 0)).all()


def test_svg_with_an_embedded_picture() -> None:
    import base64

    blue = base64.b64encode(encoded(Image.new("RGB", (8, 8), "blue"), "PNG")).decode()
    image = f'<image href="data:image/png;base64,{blue}" width="40" height="20" preserveAspectRatio="none"/>'
    assert (read(svg(RED + image), "a.svg")[0][200, 500] == (0, 0, 255)).all()
    giant = base64.b64encode(makers.png_header(30_000, 30_000)).decode()
    image = f'<image href="data:image/png;base64,{giant}" width="40" height="20"/>'
    assert refused(svg(RED + image), "a.svg").reason is Reason.TOO_MANY_PIXELS


def test_a_white_svg_is_seen() -> None:
    pixels, _ = read(svg('<circle cx="20" cy="10" r="8" fill="white"/>'), "a.svg")
    assert pixels.max() == 255
    assert pixels.min() == 0


def _laughs() -> str:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE svg [<!ENTITY l0 "lol">{levels}]>'


def _uses() -> str:
    groups = "".join(
        f'<g id="a{n}">{f"<use href=#a{n - 1}#/>" * 10}</g>'.replace("=#", '="#').replace("#/", '"/')
        for n in range(1, 9)
    )
    return f'<defs><rect id="a0" width="1" height="1"/>{groups}</defs><use href="#a8"/>'


def _giant_exr(folder: Path) -> bytes:
    data = exr(folder, {"RGB": linear(makers.picture())})
    box = struct.pack("<4i", 0, 0, 63, 47)
    return data.replace(box, struct.pack("<4i", 0, 0, 99_999, 99_999))


def _giant_jp2() -> bytes:
    data = encoded(makers.picture(), "JPEG2000", no_jp2=True)
    return data.replace(struct.pack(">II", 64, 48), struct.pack(">II", 100_000, 100_000))


def hostile(folder: Path) -> dict[str, tuple[str, bytes, set[Reason]]]:
    import pillow_jxl  # noqa: F401

    good = {
        "a.jp2": encoded(makers.picture(), "JPEG2000"), "a.jxl": encoded(makers.picture(), "JXL"),
        "a.psd": psd(makers.picture()), "a.exr": exr(folder, {"RGB": linear(makers.picture())}),
        "a.dng": dng(mosaic(linear(makers.picture(320, 240)))), "a.svg": svg(RED),
        "a.svgz": gzip.compress(svg(RED)),
    }  # fmt: skip
    giant_psd = struct.pack(">4sH6xHIIHH", b"8BPS", 2, 3, 300_000, 300_000, 8, 3) + bytes(14)
    light = linear(makers.picture())
    jxl_giant = b"\xff\x0a" + (0 | 3 << 1 | (2**30 - 1) << 3 | 1 << 33).to_bytes(10, "little")
    return {
        **{f"half of {name}": (name, data[: len(data) // 2], {Reason.DAMAGED}) for name, data in good.items()},
        "giant jp2": ("a.j2k", _giant_jp2(), {Reason.TOO_MANY_PIXELS}),
        "giant jxl": ("a.jxl", jxl_giant, {Reason.TOO_MANY_PIXELS}),
        "giant psd": ("a.psb", giant_psd, {Reason.TOO_MANY_PIXELS}),
        "giant hdr": ("a.hdr", radiance(light, sides=(90_000, 90_000)), {Reason.TOO_MANY_PIXELS}),
        "giant exr": ("a.exr", _giant_exr(folder), {Reason.TOO_MANY_PIXELS}),
        "giant dng": ("a.dng", dng(mosaic(light), sides=(60_000, 60_000)), {Reason.TOO_MANY_PIXELS}),
        "no sides psd": ("a.psd", giant_psd.replace(struct.pack(">I", 300_000), bytes(4)), {Reason.DEGENERATE_ASPECT}),
        "no sides hdr": ("a.hdr", radiance(light, sides=(0, 0)), {Reason.DEGENERATE_ASPECT}),
        "no sides svg": ("a.svg", svg(RED, 'width="0" height="10"'), {Reason.DEGENERATE_ASPECT}),
        "no sides dng": ("a.dng", dng(mosaic(light), sides=(0, 0)), {Reason.DAMAGED, Reason.UNSUPPORTED_FORMAT}),
        "narrow svg": ("a.svg", svg(RED, 'width="1" height="4000"'), {Reason.DEGENERATE_ASPECT}),
        "a billion laughs": ("a.svg", svg("<text>&l9;</text>", before=_laughs()), {Reason.UNSUPPORTED_FORMAT}),
        "a large entity many times": (
            "a.svg",
            svg("&a;" * 100_000, before=f'<!DOCTYPE svg [<!ENTITY a "{"x" * 1000}">]>'),
            {Reason.TOO_LARGE, Reason.DAMAGED},
        ),
        "an entity from a file": (
            "a.svg",
            svg("<text>&a;</text>", before='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
            {Reason.UNSUPPORTED_FORMAT},
        ),
        "uses of uses": ("a.svg", svg(_uses()), {Reason.DAMAGED}),
        "deep svg": ("a.svg", svg("<g>" * 100_000 + "</g>" * 100_000), {Reason.UNSUPPORTED_FORMAT}),
        "a gzip bomb": ("a.svgz", gzip.compress(svg(" " * (64 << 20))), {Reason.TOO_LARGE}),
        "broken svg": ("a.svg", svg("<g>"), {Reason.DAMAGED}),
        "noise in a jxl": ("a.jxl", good["a.jxl"][:20] + bytes(range(256)), {Reason.DAMAGED}),
        "xyz hdr": ("a.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 9 +X 9\n", {Reason.UNSUPPORTED_FORMAT}),
        "exr of depth": ("a.exr", exr(folder, {"Z": light[..., 0]}), {Reason.UNSUPPORTED_FORMAT}),
        "eps": ("a.psd", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", {Reason.DAMAGED}),
    }  # fmt: skip


def test_hostile_pictures_are_refused(pool: DecoderPool, tmp_path: Path) -> None:
    told = {}
    for case, (name, data, reasons) in hostile(tmp_path).items():
        (tmp_path / name).write_bytes(data)
        try:
            list(pool.decode(tmp_path / name).pieces)
            told[case] = "was read"
        except MediaError as error:
            if error.reason not in reasons:
                told[case] = str(error)
    assert told == {}
