"""Writers of pictures that Pillow does not write: colour profiles, raw pictures, Radiance, OpenEXR, Photoshop."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

# Red, green and blue primaries of linear light in the connection space XYZ (D50), as columns: sRGB and ProPhoto RGB.
SRGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
PROPHOTO = np.array([[0.7976749, 0.1351917, 0.0313534], [0.2880402, 0.7118741, 0.0000857], [0.0, 0.0, 0.8252100]])


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def profile(primaries: np.ndarray, gamma: float) -> bytes:
    """A colour profile of ICC version 2 with three primaries and one gamma."""

    def fixed(values: Sequence[float]) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": text, b"wtpt": b"XYZ " + bytes(4) + fixed((0.9642, 1.0, 0.8249))}
    for i, name in enumerate(b"rgb"):
        tags[bytes([name]) + b"XYZ"] = b"XYZ " + bytes(4) + fixed(primaries[:, i])
        tags[bytes([name]) + b"TRC"] = curve
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + fixed((0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def dng(mosaic: np.ndarray, sides: tuple[int, int] | None = None, orientation: int = 1) -> bytes:
    """A raw picture of a sensor with red, green, green and blue in squares; white is 4095."""
    height, width = mosaic.shape
    told = sides or (width, height)
    matrix = (0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.0721750, 0.0193339, 0.1191920, 0.9503041)
    formats = {1: "B", 2: "s", 3: "H", 4: "I"}
    fields: list[tuple[int, int, Sequence[int] | bytes]] = [
        (254, 4, [0]), (256, 4, [told[0]]), (257, 4, [told[1]]), (258, 3, [16]), (259, 3, [1]), (262, 3, [32803]),
        (271, 2, b"Test\0"), (272, 2, b"Test\0"), (273, 4, [0]), (274, 3, [orientation]), (277, 3, [1]),
        (278, 4, [told[1]]), (279, 4, [2 * width * height]), (284, 3, [1]), (33421, 3, [2, 2]),
        (33422, 1, [0, 1, 1, 2]), (50706, 1, [1, 4, 0, 0]), (50708, 2, b"Test camera\0"), (50714, 3, [0]),
        (50717, 3, [4095]), (50721, 10, [n for m in matrix for n in (round(m * 10000), 10000)]),
        (50728, 5, [1, 1] * 3), (50778, 3, [21]),
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(fields) + 4
    entries, body = [], b""
    for tag, kind, values in fields:
        data = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{formats.get(kind, 'i')}", *values)
        count = len(values) // (2 if kind in (5, 10) else 1)
        place = data.ljust(4, b"\0")
        if len(data) > 4:
            place, body = struct.pack("<I", start + len(body)), body + data + bytes(len(data) % 2)
        entries.append([tag, kind, count, place])
    pixels = start + len(body)
    table = b"".join(
        struct.pack("<HHI", tag, kind, count) + (struct.pack("<I", pixels) if tag == 273 else place)
        for tag, kind, count, place in entries
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(fields)) + table + bytes(4)
    return head + body + mosaic.astype("<u2").tobytes()


def mosaic(light: np.ndarray) -> np.ndarray:
    """What a sensor sees of linear light (height, width, 3): one colour per pixel."""
    seen = light[..., 1].copy()
    seen[0::2, 0::2], seen[1::2, 1::2] = light[0::2, 0::2, 0], light[1::2, 1::2, 2]
    return (seen * 4095).round()


def linear(image: Image.Image) -> np.ndarray:
    """The light of an sRGB picture (height, width, 3), 1 for white."""
    values = np.asarray(image.convert("RGB"), np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def radiance(light: np.ndarray, packed: bool = True, sides: tuple[int, int] | None = None) -> bytes:
    """A Radiance picture, run-length encoded if `packed`."""
    height, width = light.shape[:2]
    fraction, exponent = np.frexp(light.max(axis=2))
    scale = np.where(light.max(axis=2) > 1e-30, fraction * 256 / np.maximum(light.max(axis=2), 1e-30), 0)
    rgbe = np.dstack([light * scale[..., None], np.where(scale > 0, exponent + 128, 0)]).astype(np.uint8)
    out = [b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % ((sides or (width, height))[::-1])]
    for row in rgbe:
        if not packed:
            out.append(row.tobytes())
            continue
        out.append(b"\2\2" + struct.pack(">H", width))
        for channel in row.T:
            half = width // 2
            out += [bytes([128 + 2]) + channel[:1].tobytes()] if (channel[:2] == channel[0]).all() else []
            rest = channel[2:] if (channel[:2] == channel[0]).all() else channel
            out += [
                bytes([len(part)]) + part.tobytes()
                for part in np.split(rest, range(100, max(half * 2, 101), 100))
                if len(part)
            ]
    return b"".join(out)


def exr(folder: Path, channels: dict[str, np.ndarray]) -> bytes:
    import OpenEXR

    path = folder / "made.exr"
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path.read_bytes()


def psd(image: Image.Image) -> bytes:
    from psd_tools import PSDImage

    out = io.BytesIO()
    PSDImage.frompil(image).save(out)
    return out.getvalue()


def deep_psd(values: np.ndarray) -> bytes:
    """A Photoshop file of 16 bits per sample without layers, written by hand; values (height, width, 3)."""
    height, width, _ = values.shape
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, height, width, 16, 3)
    return head + bytes(12) + struct.pack(">H", 0) + values.transpose(2, 0, 1).astype(">u2").tobytes()
