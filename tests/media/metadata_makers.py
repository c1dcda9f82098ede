"""Files that say something of themselves: blocks of EXIF, IPTC and XMP, tags, and properties of documents."""

import io
import struct
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.media import makers

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def exif(tags: Mapping[int, Any], camera: Mapping[int, Any] = {}, gps: Mapping[int, Any] = {}) -> Image.Exif:
    """EXIF with the tags of its three directories."""
    made = Image.Exif()
    made.update(tags)
    made.get_ifd(0x8769).update(camera)
    made.get_ifd(0x8825).update(gps)
    return made


def degrees(value: float) -> tuple[IFDRational, ...]:
    """Degrees, minutes and seconds as EXIF writes them."""
    whole = int(value)
    minutes = int((value - whole) * 60)
    seconds = Fraction((value - whole - minutes / 60) * 3600).limit_denominator(10_000)
    return IFDRational(whole), IFDRational(minutes), IFDRational(seconds.numerator, seconds.denominator)


def position(latitude: float, longitude: float) -> dict[int, Any]:
    """The tags of a position."""
    refs = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    return {1: refs[0], 2: degrees(abs(latitude)), 3: refs[1], 4: degrees(abs(longitude))}


def jpeg(exif: Image.Exif | None = None, xmp: bytes = b"", iptc: bytes = b"") -> bytes:
    """A JPEG file with these blocks."""
    made = io.BytesIO()
    given = {name: value for name, value in (("exif", exif), ("xmp", xmp)) if value}
    makers.picture().save(made, "JPEG", **given)
    data = made.getvalue()
    if not iptc:
        return data
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    block = b"Photoshop 3.0\0" + resource
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]


def iptc(*sets: tuple[int, str]) -> bytes:
    """Data sets of record 2 in UTF-8."""
    rows = ((number, text.encode()) for number, text in sets)
    return b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(text)) + text for number, text in rows)


def xmp(properties: str, before: str = "") -> bytes:
    """A packet with these properties, which may use the prefixes dc, exif, photoshop, tiff and xmp."""
    spaces = {
        "rdf": RDF,
        "dc": "http://purl.org/dc/elements/1.1/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    }
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    return (
        f'{before}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {declared}><rdf:Description rdf:about="">'
        f"{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def write_tagged(path: Path, tags: Mapping[str, str], codec: str, seconds: float = 0.3) -> None:
    """A sound, or a film where `codec` is mpeg4, with the tags that FFmpeg writes into its container."""
    import av

    with av.open(
        str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix in {".mov", ".mp4"} else {}
    ) as out:
        out.metadata.update(tags)
        if codec == "mpeg4":
            stream = out.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for n in range(4):
                frame = av.VideoFrame.from_image(makers.picture())
                frame.pts, frame.time_base = n, Fraction(1, 10)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        else:
            makers._write_tone(out, makers._sound_track(out, codec, 48000), seconds, 48000)
