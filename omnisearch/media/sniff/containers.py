"""Recognise audio and video by their containers."""

import filetype

from omnisearch.media.sniff.head import FileHead

_MAGIC = (
    (b"fLaC", "flac"), (b"ID3", "mp3"), (b"\0\0\x01\xba", "mpg"), (b"\0\0\x01\xb3", "mpg"),
    (b"caff\0\x01", "caf"), (b".snd", "au"), (b"riff\x2e\x91\xcf\x11", "w64"), (b"wvpk", "wv"),
    (b"TTA1", "tta"), (b"TTA2", "tta"), (b"\x0b\x77", "ac3"), (b"#!AMR", "amr"),
    (b"\x7f\xfe\x80\x01", "dts"), (b"\xfe\x7f\x01\x80", "dts"),  # 16 bits, big and little endian
    (b"\x1f\xff\xe8\x00", "dts"), (b"\xff\x1f\x00\xe8", "dts"),  # 14 bits
    (b"FLV\x01", "flv"), (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "mxf"),
)  # fmt: skip
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")  # the type of a stream of pictures
_RIFF = {b"WAVE": "wav", b"AVI ": "avi"}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P ", b"F4A "}
_FILETYPE = {"wav", "flac", "mp3", "ogg", "m4a", "aac", "aiff", "mp4", "mov", "mkv", "webm", "avi", "mpg"}


def container_format(head: FileHead) -> str | None:
    """The sound or film format of a file, or None."""
    return head.starts(_MAGIC) or _chunked(head.data) or _framed(head.data)


def known_container(head: FileHead) -> str | None:
    """The format that the `filetype` package finds, for rare variants that the rules here do not cover."""
    found = filetype.guess(head.data)
    return found.extension if found is not None and found.extension in _FILETYPE else None


def _chunked(data: bytes) -> str | None:
    if data[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(data[8:12])
    if data[:4] == b"RIFX" and data[8:12] == b"WAVE":  # big-endian
        return "wav"
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if data[:4] == b"OggS":
        return "ogv" if b"\x80theora" in data[:4096] else "ogg"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"webm" in data[:4096] else "mkv"
    if data.startswith(_ASF):
        return "wmv" if _ASF_VIDEO in data else "wma"
    if data[4:8] == b"ftyp":  # ISO base media
        if data[8:12] in _AUDIO_BRANDS:
            return "m4a"
        return "mov" if data[8:12] == b"qt  " else "mp4"
    return "mov" if data[4:8] in (b"moov", b"mdat", b"wide") else None  # QuickTime without a brand


def _framed(data: bytes) -> str | None:
    """Streams of frames without a header of the file."""
    if data[:376:188] == b"GG" and data[376:377] == b"G":
        return "ts"
    if data[4:388:192] == b"GG" and data[388:389] == b"G":  # AVCHD puts 4 bytes of time before each packet
        return "ts"
    if len(data) <= 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    layer = data[1] & 0x06
    if layer == 0 and data[1] & 0xF0 == 0xF0:
        return "aac"
    if layer in (0x02, 0x04) and data[1] & 0x18 != 0x08 and data[2] & 0xF0 != 0xF0 and data[2] & 0x0C != 0x0C:
        return "mp3"
    return None
