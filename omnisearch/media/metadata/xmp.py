"""XMP: metadata as RDF in XML, inside a file or beside it (ISO 16684-1)."""

import re
from collections.abc import Mapping
from typing import Any

from omnisearch.media.metadata.exif import camera_name
from omnisearch.media.metadata.moments import local_time
from omnisearch.media.metadata.xml_values import xml_values

_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/xmp/1.0/DynamicMedia/": "xmpDM",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
}
_DEGREES = re.compile(r"(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))?\s*([NSEW])?")


def read_xmp(data: bytes) -> Mapping[str, Any]:
    """Return the fields of a packet.

    Raises:
        ValueError: as `xml_values`.
    """
    values = xml_values(data.strip(b"\0 \r\n\t"), _PREFIXES)

    def first(*names: str) -> str:
        return next((value for name in names for value in values.get(name, ()) if value), "")

    keywords = [
        *values.get("dc:subject", ()),
        *values.get("mwg-rs:Name", ()),
        *values.get("Iptc4xmpExt:PersonInImage", ()),
    ]
    place = [first("Iptc4xmpCore:Location"), *(first(f"photoshop:{name}") for name in ("City", "State", "Country"))]
    return {
        "time": local_time(first("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")),
        "camera": camera_name(first("tiff:Make"), first("tiff:Model")),
        "lens": first("exifEX:LensModel", "aux:Lens"),
        "position": (_degrees(first("exif:GPSLatitude")), _degrees(first("exif:GPSLongitude"))),
        "place": [part for part in place if part],
        "title": first("dc:title", "photoshop:Headline"),
        "caption": first("dc:description"),
        "keywords": keywords,
        "artist": first("dc:creator", "xmpDM:artist"),
        "album": first("xmpDM:album"),
        "genre": first("xmpDM:genre"),
        "rating": first("xmp:Rating"),
        "language": first("dc:language"),
    }


def _degrees(text: str) -> float | None:
    """Degrees as XMP writes them: `38,43.2N` or `38,43,12N`."""
    found = _DEGREES.fullmatch(text.strip())
    if found is None:
        return None
    degrees: float = sum(float(found[n + 1] or 0) / 60**n for n in range(3))
    return -degrees if found[4] in {"S", "W"} else degrees
