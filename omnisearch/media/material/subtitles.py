"""Subtitles: files beside a sound or video, and text streams of a video."""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from omnisearch.errors import MediaError
from omnisearch.media.container import open_container
from omnisearch.media.file import Source
from omnisearch.media.languages import two_letter_code
from omnisearch.media.material.lyrics import lyrics
from omnisearch.media.material.wanted import Wanted
from omnisearch.media.texts.encoding import find_encoding
from omnisearch.types import Piece, Segment

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".lrc")
MAX_BYTES = 4 << 20  # of one file: the subtitles of a long film have some 200 KB
MAX_CUES = 20_000
MAX_CHARACTERS = 1000  # of one cue
MAX_STREAMS = 8
_TEXT_STREAM = 1 << 17  # AV_CODEC_PROP_TEXT_SUB: others hold pictures of words
# Characters that a terminal obeys.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_Cue = tuple[float, float, str]


def names_beside(path: PurePosixPath, names: Iterable[str]) -> tuple[str, ...]:
    """Choose from the names of a folder those of the subtitles of a file: its stem, and perhaps a language.

    `film.mp4` has `film.srt`, `film.en.srt` and `film.mp4.vtt`.
    """
    return tuple(
        sorted(
            name
            for name in names
            if name.startswith(f"{path.stem}.") and name.lower().endswith(SUFFIXES) and name != path.name
        )
    )[:MAX_STREAMS]


def subtitles(source: Source, wanted: Wanted, notes: list[str]) -> Iterator[Piece]:
    """Yield the cues of all subtitles beside a file, or else of the text streams in it; their language as the snippet.

    Subtitles that cannot be read are left out with a note.
    """
    files = [(name, data) for name in wanted.beside if (data := source.sibling(name)) is not None]
    return _pieces(_of_files(source, files, notes) if files else _of_streams(source), notes)


def _pieces(cues: Iterator[tuple[_Cue, str]], notes: list[str]) -> Iterator[Piece]:
    index = 0
    before: tuple[_Cue, str] | None = None
    for cue, language in cues:
        if (cue, language) == before:  # karaoke repeats a line for each of its effects
            continue
        before = cue, language
        start, end, text = cue
        words = " ".join(_CONTROL.sub(" ", unescape(text)).split())[:MAX_CHARACTERS]
        if not words or start < 0:
            continue
        if index == MAX_CUES:
            notes.append(f"partly read: the first {MAX_CUES:,} subtitles")
            return
        yield Piece(Segment(index, start, max(start, end), "seconds"), words, language)
        index += 1


def _of_files(source: Source, files: list[tuple[str, bytes]], notes: list[str]) -> Iterator[tuple[_Cue, str]]:
    for name, data in files:
        if len(data) > MAX_BYTES:
            notes.append(f"partly read: the first {MAX_BYTES >> 20} MiB of the subtitles {name[:80]}")
        try:
            cues = _parsed(data[:MAX_BYTES], PurePosixPath(name).suffix.lower())
        except Exception:  # the parser has no class of its own for damaged files
            notes.append(f"the subtitles {name[:80]} cannot be read")
            continue
        language = _language_of(name, PurePosixPath(source.name).stem)
        for cue in cues:
            yield cue, language


def _parsed(data: bytes, suffix: str) -> Iterator[_Cue]:
    text = data.decode(find_encoding(BytesIO(data), declares=False).codec, errors="replace")
    if suffix == ".lrc":
        return lyrics(text)
    import pysubs2

    form = {".srt": "srt", ".vtt": "vtt"}.get(suffix, "ass")
    events = pysubs2.SSAFile.from_string(text, format_=form).events
    return ((e.start / 1000, e.end / 1000, e.plaintext) for e in events if not (e.is_comment or e.is_drawing))


def _language_of(name: str, stem: str) -> str:
    """The language in the name of a file: that of `film.pt-BR.forced.srt` is pt."""
    parts = name.removeprefix(stem).lower().split(".")
    return next((code for part in parts[:-1] if (code := two_letter_code(part))), "")


def _of_streams(source: Source) -> Iterator[tuple[_Cue, str]]:
    """Read the text streams, one after the other; of two in one language, the second is for signs or the deaf."""
    try:
        container = open_container(source.file)
    except MediaError:
        return
    with container:
        streams = [stream for stream in container.streams.subtitles if _has_text(stream)][:MAX_STREAMS]
        languages: dict[str, Any] = {}
        for stream in streams:
            languages.setdefault(two_letter_code(stream.language or ""), stream)
        chosen = {stream.index: language for language, stream in languages.items()}
        if not chosen:
            return
        for packet in container.demux(*languages.values()):
            for cue in _of_packet(packet):
                yield cue, chosen[packet.stream.index]


def _has_text(stream: Any) -> bool:
    return stream.codec_context is not None and bool(stream.codec_context.codec.properties & _TEXT_STREAM)


def _of_packet(packet: Any) -> Iterator[_Cue]:
    from av.error import FFmpegError

    if packet.pts is None or not packet.size:
        return
    start = float(packet.pts * packet.time_base)
    end = start + float((packet.duration or 0) * packet.time_base)
    try:
        texts = [_plain(rect) for rect in packet.decode()]
    except FFmpegError:  # a damaged packet
        return
    yield start, end, " ".join(texts)


def _plain(rect: Any) -> str:
    words = getattr(rect, "dialogue", b"") or getattr(rect, "text", b"")
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return re.sub(r"\{[^{}]*\}", "", text).replace("\\N", " ").replace("\\n", " ").replace("\\h", " ")
