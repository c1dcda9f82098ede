"""Writers of small, well-formed files: the good twins of what the hostile tests send."""

import io
import struct
import wave
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import trimesh
from PIL import Image

RATE = 8000
OGG = int.from_bytes(b"Og", "little")  # the format tag of a WAVE file whose data are a whole Ogg Vorbis file


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    """A rising tone: no two stretches of it are alike."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 40 * t) * t)).astype(np.float32)


def picture(width: int = 64, height: int = 48) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))


def write_image(path: Path, kind: str) -> None:
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(picture()).save(path, quality=90)
    else:
        picture().save(path, kind)


def write_sound(path: Path, seconds: float, rate: int = RATE) -> None:
    soundfile.write(path, tone(seconds, rate), rate)


def write_video(
    path: Path, seconds: float, sound: float = 0.0, codec: str = "mpeg4", fps: int = 10, sound_codec: str = ""
) -> None:
    """Frames whose red value tells their time: red = 20 * second. m2ts is written as AVCHD cameras do."""
    import av

    sound_codec = sound_codec or ("libopus" if path.suffix == ".webm" else "aac")
    options = {"mpegts_m2ts_mode": "1"} if path.suffix == ".m2ts" else {}
    with av.open(str(path), "w", format="mpegts" if options else None, options=options) as out:
        stream = out.add_stream(codec, rate=fps) if fps else None
        track = _sound_track(out, sound_codec, 48000) if sound else None
        if stream is not None:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.bit_rate = 500_000
            for i in range(round(seconds * fps)):
                pixels = np.zeros((48, 64, 3), np.uint8)
                pixels[:, :, 0] = min(255, 20 * i // fps)
                pixels[:, :, 2] = np.linspace(0, 255, 64)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, fps)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        if track is not None:
            _write_tone(out, track, sound, 48000)


def write_sound_as(path: Path, seconds: float, codec: str, container: str, rate: int) -> None:
    """A rising tone by a codec of FFmpeg in a container of FFmpeg."""
    import av

    with av.open(str(path), "w", format=container) as out:
        _write_tone(out, _sound_track(out, codec, rate), seconds, rate)


def _sound_track(out: Any, codec: str, rate: int) -> Any:
    track = out.add_stream(codec, rate=rate)
    track.layout = "mono"
    track.bit_rate = 12_200 if rate == 8000 else 128_000
    return track


def _write_tone(out: Any, track: Any, seconds: float, rate: int) -> None:
    """Encode a tone; the encoder's own sample format and frame size are converted to."""
    import av

    formats = track.codec_context.codec.audio_formats or [av.AudioFormat("fltp")]
    size = track.codec_context.frame_size or 960
    convert = av.AudioResampler(format=formats[0].name, layout="mono", rate=rate, frame_size=size)
    frame = av.AudioFrame.from_ndarray(tone(seconds, rate)[None], format="fltp", layout="mono")
    frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    for part in [*convert.resample(frame), *convert.resample(None)]:
        out.mux(track.encode(part))
    out.mux(track.encode(None))


def red_box() -> trimesh.Trimesh:
    box = trimesh.creation.box(extents=(1, 1, 1))
    box.visual.face_colors = [255, 0, 0, 255]
    return box


def write_mesh(path: Path) -> None:
    mesh = red_box() if path.suffix == ".ply" else trimesh.creation.icosphere(subdivisions=2)
    if path.suffix == ".gltf":
        files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(mesh), merge_buffers=True, embed_buffers=True)
        path.write_bytes(files["model.gltf"])
    elif path.suffix in (".npy", ".npz"):
        points = np.asarray(mesh.vertices, np.float32)
        np.save(path, points) if path.suffix == ".npy" else np.savez(path, points=points)
    else:
        mesh.export(path)


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises these sides, and which holds a thousand pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def write_silent_wav(path: Path, samples: int, rate: int = RATE) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * samples)


def riff_wave(data: bytes, rate: int = RATE, channels: int = 1, tag: int = 1) -> bytes:
    """A WAVE file of 16-bit samples, or of whatever the format tag says that its data are."""
    return b"".join(
        (b"RIFF", struct.pack("<I", 36 + len(data)), b"WAVEfmt ",
         struct.pack("<IHHIIHH", 16, tag, channels, rate, (rate * 2 * channels) % 2**32, (2 * channels) % 2**16, 16),
         b"data", struct.pack("<I", len(data)), data)
    )  # fmt: skip


def rifx_wave(data: bytes, bits: int, tag: int = 1, rate: int = RATE) -> bytes:
    """A big-endian WAVE file of one channel."""
    return b"".join(
        (b"RIFX", struct.pack(">I", 36 + len(data)), b"WAVEfmt ",
         struct.pack(">IHHIIHH", 16, tag, 1, rate, rate * bits // 8, bits // 8, bits),
         b"data", struct.pack(">I", len(data)), data)
    )  # fmt: skip


def pdf(text: str, before: bytes = b"") -> bytes:
    """A one-page PDF, written by hand; `before` comes before its header, and its offsets count it."""
    stream = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = before + b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(out),
    )


def pdf_of(pages: Sequence[str]) -> bytes:
    """A PDF of several pages."""
    from pypdf import PdfWriter

    writer, out = PdfWriter(), io.BytesIO()
    for text in pages:
        writer.append(io.BytesIO(pdf(text)))
    writer.write(out)
    return out.getvalue()


def encrypted(data: bytes, password: str, algorithm: str) -> bytes:
    """A PDF encrypted with a user's password, which may be empty, and an owner's."""
    from pypdf import PdfWriter

    writer, out = PdfWriter(), io.BytesIO()
    writer.append(io.BytesIO(data))
    writer.encrypt(password, "owner", algorithm=algorithm)
    writer.write(out)
    return out.getvalue()


def write_scenes(path: Path, scenes: Sequence[tuple[tuple[int, int, int], float]], seconds: float) -> None:
    """A video of plain scenes of some seconds each: a colour, and a tone of a frequency in Hz."""
    import av

    fps, rate = 10, 48000
    with av.open(str(path), "w") as out:
        stream, track = out.add_stream("mpeg4", rate=fps), out.add_stream("aac", rate=rate)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 48, "yuv420p", 2_000_000
        track.layout = "mono"
        colors = [color for color, _ in scenes for _ in range(round(seconds * fps))]
        for i, color in enumerate(colors):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), color, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, fps)
            out.mux(stream.encode(frame))
        t = np.arange(round(seconds * rate)) / rate
        samples = np.concatenate([0.5 * np.sin(2 * np.pi * frequency * t) for _, frequency in scenes])
        for start in range(0, len(samples), 960):
            block = samples[start : start + 960].astype(np.float32)
            heard = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            heard.rate, heard.pts, heard.time_base = rate, start, Fraction(1, rate)
            out.mux(track.encode(heard))
        out.mux(stream.encode(None))
        out.mux(track.encode(None))
