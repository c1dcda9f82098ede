"""What a file is, told by its content; the extension only breaks ties."""

import json
import re
import struct
from dataclasses import dataclass

import filetype

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.types import Modality

HEAD = 65536
TEXT_FORMATS = {
    "": "txt", ".txt": "txt", ".text": "txt", ".log": "txt", ".csv": "txt", ".tsv": "txt", ".srt": "txt",
    ".vtt": "txt", ".tex": "txt", ".org": "txt", ".rst": "txt", ".adoc": "txt",
    ".md": "md", ".markdown": "md",
    ".html": "html", ".htm": "html", ".xhtml": "html",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """The modality, the MIME type and the short format name that picks the decoder's branch."""

    modality: Modality
    mime: str
    format: str


def _kinds(modality: Modality, **mimes: str) -> dict[str, Kind]:
    return {name: Kind(modality, mime, name) for name, mime in mimes.items()}


KINDS = {
    **_kinds(Modality.TEXT, txt="text/plain", md="text/markdown", html="text/html", pdf="application/pdf"),
    **_kinds(
        Modality.IMAGE, jpg="image/jpeg", png="image/png", webp="image/webp", gif="image/gif", bmp="image/bmp",
        tif="image/tiff", heic="image/heic", avif="image/avif",
    ),
    **_kinds(
        Modality.AUDIO, wav="audio/wav", flac="audio/flac", mp3="audio/mpeg", ogg="audio/ogg", m4a="audio/mp4",
        aac="audio/aac", aiff="audio/aiff",
    ),
    **_kinds(
        Modality.VIDEO, mp4="video/mp4", mov="video/quicktime", mkv="video/x-matroska", webm="video/webm",
        avi="video/x-msvideo", mpg="video/mpeg", ts="video/mp2t", ogv="video/ogg",
    ),
    **_kinds(
        Modality.POINT_CLOUD, glb="model/gltf-binary", gltf="model/gltf+json", obj="model/obj", ply="model/ply",
        stl="model/stl", off="model/off", dae="model/vnd.collada+xml", npy="application/x-npy",
        npz="application/x-npz",
    ),
}  # fmt: skip

_MAGIC = (
    (b"glTF", "glb"), (b"ply\n", "ply"), (b"ply\r", "ply"), (b"\x93NUMPY", "npy"), (b"%PDF-", "pdf"),
    (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"),
    (b"II*\0", "tif"), (b"MM\0*", "tif"), (b"fLaC", "flac"), (b"ID3", "mp3"),
    (b"\0\0\x01\xba", "mpg"), (b"\0\0\x01\xb3", "mpg"),
)  # fmt: skip
_RIFF = {b"WAVE": "wav", b"WEBP": "webp", b"AVI ": "avi"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P ", b"F4A "}
_FILETYPE = {"jpg", "png", "webp", "gif", "bmp", "tif", "heic", "avif", "wav", "flac", "mp3", "ogg", "m4a", "aac",
             "aiff", "mp4", "mov", "mkv", "webm", "avi", "mpg", "pdf"}  # fmt: skip
_OBJ_LINE = re.compile(r"^(v|vn|vt|vp|f|l|p|o|g|s|usemtl|mtllib|#)(\s|$)")


def detect(source: Source) -> Kind:
    """Tell what the file is, reading its first 64 KiB; the file position is put back to its start.

    Raises:
        MediaError: unsupported_format.
    """
    source.file.seek(0)
    head = source.file.read(HEAD)
    source.file.seek(0)
    name = _binary(head, source) or _text(head, source) or _other(head)
    if name is None:
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"no known content ({source.suffix or 'no extension'})")
    return KINDS[name]


def _binary(head: bytes, source: Source) -> str | None:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"OggS":
        return "ogv" if b"\x80theora" in head[:4096] else "ogg"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"webm" in head[:4096] else "mkv"
    return _boxes(head) or _structure(head, source)


def _boxes(head: bytes) -> str | None:
    """ISO base media (MP4 and kin) and QuickTime without a brand."""
    if head[4:8] == b"ftyp":
        brands = {head[i : i + 4] for i in range(8, min(int.from_bytes(head[:4], "big"), 256), 4)}
        if brands & {b"avif", b"avis"}:
            return "avif"
        if head[8:12] in _HEIC_BRANDS:
            return "heic"
        if head[8:12] in _AUDIO_BRANDS:
            return "m4a"
        return "mov" if head[8:12] == b"qt  " else "mp4"
    return "mov" if head[4:8] in (b"moov", b"mdat", b"wide") else None


def _structure(head: bytes, source: Source) -> str | None:
    """Formats without a magic number that their own arithmetic gives away."""
    if len(head) >= 84 and source.size == 84 + 50 * struct.unpack_from("<I", head, 80)[0]:
        return "stl"
    if head[:2] == b"BM" and len(head) > 26 and head[6:10] == b"\0\0\0\0":
        return "bmp"
    if head[:4] == b"PK\x03\x04" and head[30:].split(b"PK", 1)[0].split(b".npy", 1)[0] != head[30:]:
        return "npz" if source.suffix == ".npz" else None
    if head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":
        return "ts"
    if len(head) > 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        layer = head[1] & 0x06
        if layer == 0 and head[1] & 0xF0 == 0xF0:
            return "aac"
        if layer in (0x02, 0x04) and head[1] & 0x18 != 0x08 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C:
            return "mp3"
    return None


def _text(head: bytes, source: Source) -> str | None:
    plain = TEXT_FORMATS.get(source.suffix)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return plain
    text = _utf8(head)
    if text is None:  # `.txt` says text: let its decoder say what is wrong with it
        return plain if source.suffix and plain and not _other(head) else None
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{") and (source.suffix == ".gltf" or _is_gltf(text)):
        return "gltf"
    if "<COLLADA" in text[:4096]:
        return "dae"
    if start.startswith("solid") and "facet" in text[:4096]:
        return "stl"
    if re.match(r"(ST)?C?N?4?n?OFF\b", start):
        return "off"
    if (source.suffix == ".obj" or plain is None) and _is_obj(text):
        return "obj"
    if plain == "txt" and re.match(r"<!doctype html|<html", start, re.IGNORECASE):
        return "html"
    return plain


def _utf8(head: bytes) -> str | None:
    if b"\0" in head:
        return None
    for cut in range(4):  # the 64 KiB may end inside a character
        try:
            return head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            if len(head) < HEAD:
                return None
    return None


def _is_gltf(text: str) -> bool:
    if '"asset"' not in text:
        return False
    try:
        return "version" in json.loads(text).get("asset", {})
    except (ValueError, AttributeError, RecursionError):
        return '"meshes"' in text or '"buffers"' in text or '"nodes"' in text


def _is_obj(text: str) -> bool:
    lines = [line for line in text.splitlines()[:-1][:400] or text.splitlines() if line.strip()]
    known = sum(bool(_OBJ_LINE.match(line.strip())) for line in lines)
    return known > 0.9 * len(lines) and re.search(r"^\s*(v\s+[-\d.]|mtllib\s)", text, re.MULTILINE) is not None


def _other(head: bytes) -> str | None:
    found = filetype.guess(head)
    return found.extension if found is not None and found.extension in _FILETYPE else None
