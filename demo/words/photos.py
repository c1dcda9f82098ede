"""Tagged photos: sceneries with the time, the place, the camera and a caption in EXIF, as cameras write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

# Latitude and longitude of towns, in degrees.
TOWNS: Mapping[str, tuple[float, float]] = {
    "Lisbon": (38.7223, -9.1393),
    "Kyoto": (35.0116, 135.7681),
    "Oslo": (59.9139, 10.7522),
    "Nairobi": (-1.2864, 36.8172),
    "Lima": (-12.0464, -77.0428),
    "Munich": (48.1374, 11.5755),
}
CAMERAS = (("Canon", "EOS 80D"), ("NIKON CORPORATION", "D750"), ("Google", "Pixel 7"))


@dataclass(frozen=True)
class Tags:
    """What is written into a photo. `taken` has no zone, as in most cameras."""

    taken: datetime
    town: str
    camera: tuple[str, str]
    caption: str = ""


def write_photo(picture: Image.Image, tags: Tags, path: Path) -> None:
    """Write a JPEG file with its tags."""
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = tags.camera
    if tags.caption:
        exif[Base.ImageDescription] = tags.caption
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = tags.taken.strftime("%Y:%m:%d %H:%M:%S")
    latitude, longitude = TOWNS[tags.town]
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "NS"[latitude < 0], _degrees(latitude)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "EW"[longitude < 0], _degrees(longitude)
    picture.save(path, "JPEG", quality=88, exif=exif)


def _degrees(value: float) -> tuple[float, float, float]:
    minutes = 60 * (abs(value) % 1)
    return float(int(abs(value))), float(int(minutes)), round(60 * (minutes % 1), 2)
