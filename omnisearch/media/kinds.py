"""The kinds of files that are read: one row per format, from which detection and docs/media.md are made."""

from dataclasses import dataclass

from omnisearch.types import Modality


@dataclass(frozen=True)
class Kind:
    """A file format. `format` is its short name, `suffixes` are the endings of file names that promise it.

    `reader` is the library that decodes it.
    """

    modality: Modality
    mime: str
    format: str
    suffixes: tuple[str, ...]
    reader: str


def _kinds(modality: Modality, *rows: tuple[str, str, str, str]) -> dict[str, Kind]:
    return {
        name: Kind(modality, mime, name, tuple(f".{suffix}" for suffix in suffixes.split()), reader)
        for name, mime, suffixes, reader in rows
    }


TEXTS = _kinds(
    Modality.TEXT,
    ("txt", "text/plain", "txt text log csv tsv srt vtt tex org rst adoc", "omnisearch"),
    ("md", "text/markdown", "md markdown", "omnisearch"),
    ("html", "text/html", "html htm xhtml", "html.parser"),
    ("pdf", "application/pdf", "pdf", "pypdf"),
)
IMAGES = _kinds(
    Modality.IMAGE,
    ("jpg", "image/jpeg", "jpg jpeg jpe jfif", "Pillow"),
    ("png", "image/png", "png apng", "Pillow"),
    ("webp", "image/webp", "webp", "Pillow"),
    ("gif", "image/gif", "gif", "Pillow"),
    ("bmp", "image/bmp", "bmp dib", "Pillow"),
    ("tif", "image/tiff", "tif tiff", "Pillow"),
    ("heic", "image/heic", "heic heif", "pillow-heif"),
    ("avif", "image/avif", "avif", "Pillow"),
    ("jp2", "image/jp2", "jp2 j2k jpf jpx jpm j2c jpc", "Pillow"),
    ("jxl", "image/jxl", "jxl", "pillow-jxl-plugin"),
    ("svg", "image/svg+xml", "svg svgz", "resvg-py"),
    ("psd", "image/vnd.adobe.photoshop", "psd psb", "psd-tools"),
    ("hdr", "image/vnd.radiance", "hdr rgbe", "omnisearch"),
    ("exr", "image/x-exr", "exr", "OpenEXR"),
    (
        "raw",
        "image/x-raw",
        "dng nef nrw arw sr2 srf cr2 cr3 crw raf orf rw2 rwl pef srw 3fr fff iiq mrw x3f erf mef mos kdc dcr",
        "rawpy",
    ),
)
SOUNDS = _kinds(
    Modality.AUDIO,
    ("wav", "audio/wav", "wav wave", "soundfile, PyAV"),
    ("flac", "audio/flac", "flac", "soundfile, PyAV"),
    ("mp3", "audio/mpeg", "mp3", "soundfile, PyAV"),
    ("ogg", "audio/ogg", "ogg oga opus", "soundfile, PyAV"),
    ("m4a", "audio/mp4", "m4a m4b", "PyAV"),
    ("aac", "audio/aac", "aac", "PyAV"),
    ("aiff", "audio/aiff", "aiff aif aifc", "soundfile, PyAV"),
    ("caf", "audio/x-caf", "caf", "soundfile, PyAV"),
    ("au", "audio/basic", "au snd", "soundfile, PyAV"),
    ("w64", "audio/x-w64", "w64", "soundfile, PyAV"),
    ("wma", "audio/x-ms-wma", "wma", "PyAV"),
    ("wv", "audio/x-wavpack", "wv", "PyAV"),
    ("tta", "audio/x-tta", "tta", "PyAV"),
    ("ac3", "audio/ac3", "ac3 eac3 ec3", "PyAV"),
    ("dts", "audio/vnd.dts", "dts", "PyAV"),
    ("amr", "audio/amr", "amr awb", "PyAV"),
)
FILMS = _kinds(
    Modality.VIDEO,
    ("mp4", "video/mp4", "mp4 m4v 3gp 3g2", "PyAV"),
    ("mov", "video/quicktime", "mov qt", "PyAV"),
    ("mkv", "video/x-matroska", "mkv mka", "PyAV"),
    ("webm", "video/webm", "webm", "PyAV"),
    ("avi", "video/x-msvideo", "avi", "PyAV"),
    ("mpg", "video/mpeg", "mpg mpeg vob", "PyAV"),
    ("ts", "video/mp2t", "ts mts m2ts m2t", "PyAV"),
    ("flv", "video/x-flv", "flv", "PyAV"),
    ("wmv", "video/x-ms-wmv", "wmv asf", "PyAV"),
    ("mxf", "application/mxf", "mxf", "PyAV"),
    ("ogv", "video/ogg", "ogv", "PyAV"),
)
OBJECTS = _kinds(
    Modality.POINT_CLOUD,
    ("glb", "model/gltf-binary", "glb", "trimesh"),
    ("gltf", "model/gltf+json", "gltf", "trimesh"),
    ("obj", "model/obj", "obj", "trimesh"),
    ("ply", "model/ply", "ply", "trimesh"),
    ("stl", "model/stl", "stl", "trimesh"),
    ("off", "model/off", "off", "trimesh"),
    ("dae", "model/vnd.collada+xml", "dae", "pycollada"),
    ("npy", "application/x-npy", "npy", "numpy"),
    ("npz", "application/x-npz", "npz", "numpy"),
)

KINDS = {**TEXTS, **IMAGES, **SOUNDS, **FILMS, **OBJECTS}
BY_SUFFIX = {suffix: kind for kind in KINDS.values() for suffix in kind.suffixes}
