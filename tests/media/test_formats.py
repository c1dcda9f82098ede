"""Every format that is promised decodes, and its decoder tells the truth about it."""

from pathlib import Path

import numpy as np
import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.media.rendition import Rendition
from omnisearch.types import Clip, Modality, PointCloud, Waveform
from tests.media import makers

IMAGES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "heic": "HEIF",
          "avif": "AVIF"}  # fmt: skip
SOUNDS = ("wav", "flac", "ogg", "mp3", "aiff")
# What libsndfile cannot write: the codec and the container of FFmpeg.
MORE_SOUNDS = {"caf": ("alac", "caf"), "wma": ("wmav2", "asf"), "wv": ("wavpack", "wv"), "tta": ("tta", "tta"),
               "ac3": ("ac3", "ac3"), "eac3": ("eac3", "eac3"), "amr": ("libopencore_amrnb", "amr"),
               "flv": ("libmp3lame", "flv"), "avi": ("mp2", "avi")}  # fmt: skip
MORE_VIDEOS = {"flv": ("flv", "libmp3lame"), "wmv": ("wmv2", "wmav2"), "mxf": ("mpeg2video", "pcm_s16le"),
               "mpg": ("mpeg2video", "mp2"), "m2ts": ("mpeg2video", "ac3"), "ts": ("mpeg2video", "ac3")}  # fmt: skip
VIDEOS = {"mp4": "mpeg4", "mov": "mpeg4", "mkv": "mpeg4", "webm": "libvpx", "avi": "mpeg4"}
# tests/media/test_objects.py decodes the files of MORE_MESHES, too, most of them within this process.
MESHES = ("glb", "npy", "npz")
MORE_MESHES = ("gltf", "obj", "ply", "stl", "off", "dae")


@pytest.mark.parametrize("suffix", IMAGES)
def test_images(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    makers.write_image(path, IMAGES[suffix])
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    assert decoded.info.modality is Modality.IMAGE
    expected = np.asarray(makers.picture(), np.float32)
    assert piece.content.shape == expected.shape
    assert np.abs(piece.content - expected).mean() < 12
    assert piece.segment.start is None


@pytest.mark.parametrize("suffix", SOUNDS)
def test_sounds(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    makers.write_sound(path, 1.5)
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    assert decoded.info.modality is Modality.AUDIO
    assert isinstance(piece.content, Waveform)
    assert piece.content.rate == makers.RATE
    assert piece.content.seconds == pytest.approx(1.5, abs=0.1)
    assert decoded.info.duration == pytest.approx(1.5, abs=0.15)


@pytest.mark.parametrize("suffix", MORE_SOUNDS)
def test_sounds_of_other_programs(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    codec, container = MORE_SOUNDS[suffix]
    rate = 8000 if suffix == "amr" else 48000
    makers.write_sound_as(path, 2, codec, container, rate)
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    assert decoded.info.modality is Modality.AUDIO
    assert decoded.notes == []
    assert piece.content.seconds == pytest.approx(2, abs=0.2)
    heard, sent = (
        np.abs(np.fft.rfft(samples[:rate], rate)) for samples in (piece.content.samples, makers.tone(2, rate))
    )
    assert np.corrcoef(heard, sent)[0, 1] > 0.9  # the same frequencies


def _spectrum(samples: np.ndarray, rate: int) -> np.ndarray:
    return np.abs(np.fft.rfft(samples[:rate], rate))


@pytest.mark.parametrize("suffix", ["au", "w64"])
def test_sounds_of_libsndfile(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / f"a.{suffix}", 2)
    (piece,) = pool.decode(tmp_path / f"a.{suffix}").pieces
    np.testing.assert_allclose(piece.content.samples, makers.tone(2), atol=1e-4)


@pytest.mark.parametrize("suffix", MORE_VIDEOS)
def test_videos_of_other_programs(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    codec, sound = MORE_VIDEOS[suffix]
    makers.write_video(path, 3, sound=3, codec=codec, fps=25, sound_codec=sound)
    assert suffix != "m2ts" or path.read_bytes()[4:388:192] == b"GG"
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    assert decoded.info.modality is Modality.VIDEO
    assert decoded.notes == []
    assert len(piece.content.frames) == 8
    assert piece.content.sound is not None
    reds = piece.content.frames[:, :, :, 0].mean(axis=(1, 2))
    assert (np.diff(reds) > 0).all()


@pytest.mark.parametrize(("dtype", "bits", "tag"), [(">i2", 16, 1), (">f4", 32, 3)])
def test_big_endian_waves(dtype: str, bits: int, tag: int, pool: DecoderPool, tmp_path: Path) -> None:
    samples = makers.tone(2)
    data = (samples * (32767 if tag == 1 else 1)).astype(dtype).tobytes()
    (tmp_path / "a.wav").write_bytes(makers.rifx_wave(data, bits, tag))
    decoded = pool.decode(tmp_path / "a.wav")
    (piece,) = decoded.pieces
    assert (decoded.info.mime, decoded.info.duration) == ("audio/wav", 2)
    np.testing.assert_allclose(piece.content.samples, samples, atol=1e-4)


def test_a_big_endian_wave_is_no_noise(pool: DecoderPool, tmp_path: Path) -> None:
    """Only FFmpeg decodes integers of 64 bits, and takes them for little-endian ones."""
    data = (makers.tone(2) * 2**62).astype(">i8").tobytes()
    (tmp_path / "a.wav").write_bytes(makers.rifx_wave(data, 64))
    with pytest.raises(MediaError) as refused:
        list(pool.decode(tmp_path / "a.wav").pieces)
    assert refused.value.reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(
    ("length", "channels", "reason"), [(44, 0, Reason.BAD_CHANNELS), (30, 1, Reason.DAMAGED), (12, 1, Reason.DAMAGED)]
)
def test_a_big_endian_wave_with_a_wrong_header_says_what_is_wrong(
    length: int, channels: int, reason: Reason, pool: DecoderPool, tmp_path: Path
) -> None:
    written = bytearray(makers.rifx_wave(bytes(4000), 16))
    written[22:24] = channels.to_bytes(2, "big")
    (tmp_path / "a.wav").write_bytes(written[:length])
    with pytest.raises(MediaError) as refused:
        list(pool.decode(tmp_path / "a.wav").pieces)
    assert refused.value.reason is reason


@pytest.mark.parametrize("other", [bytes(1 << 17), b"my fmt is odd"])
def test_the_format_of_a_wave_after_another_chunk(other: bytes, pool: DecoderPool, tmp_path: Path) -> None:
    """Of samples that only FFmpeg decodes."""
    makers.write_sound_as(tmp_path / "a.wav", 1.5, "adpcm_yamaha", "wav", makers.RATE)
    (whole,) = list(pool.decode(tmp_path / "a.wav").pieces)
    written = (tmp_path / "a.wav").read_bytes()
    chunk = b"JUNK" + len(other).to_bytes(4, "little") + other + bytes(len(other) % 2)
    (tmp_path / "b.wav").write_bytes(written[:12] + chunk + written[12:])
    (piece,) = list(pool.decode(tmp_path / "b.wav").pieces)
    np.testing.assert_array_equal(piece.content.samples, whole.content.samples)


def test_an_ogg_for_the_samples_of_a_wave(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "bare.ogg", 1.5)
    ogg = (tmp_path / "bare.ogg").read_bytes()
    (tmp_path / "wrapped.ogg").write_bytes(makers.riff_wave(ogg, tag=makers.OGG) + b"LIST\4\0\0\0INFO")
    (bare,), (wrapped,) = (list(pool.decode(tmp_path / f"{name}.ogg").pieces) for name in ("bare", "wrapped"))
    assert wrapped.content.rate == bare.content.rate
    np.testing.assert_array_equal(wrapped.content.samples, bare.content.samples)


@pytest.mark.parametrize("suffix", VIDEOS)
def test_videos(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    makers.write_video(path, 3, sound=0 if suffix == "avi" else 3, codec=VIDEOS[suffix])
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    assert decoded.info.modality is Modality.VIDEO
    assert isinstance(piece.content, Clip)
    assert 4 <= len(piece.content.frames) <= 8
    assert piece.content.frames.shape[1:] == (48, 64, 3)
    if suffix == "avi":
        assert piece.content.sound is None
    else:
        assert piece.content.sound is not None
        assert piece.content.sound.seconds == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("suffix", [*MESHES, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE_MESHES)])
def test_meshes(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    makers.write_mesh(path)
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    cloud = piece.content
    assert decoded.info.modality is Modality.POINT_CLOUD
    assert isinstance(cloud, PointCloud)
    assert cloud.points.shape == (10_000, 3)
    assert np.linalg.norm(cloud.points, axis=1).max() <= 1
    assert np.abs(cloud.points.mean(axis=0)).max() < 1e-3
    assert cloud.views.shape == (8, 224, 224, 3)
    assert (cloud.views[0] < 250).any()


def test_a_film_whose_streams_have_no_decoder(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mkv", 2, sound=2)
    film = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "mute.mkv").write_bytes(film.replace(b"A_AAC", b"A_XYZ"))
    (tmp_path / "dark.mkv").write_bytes(film.replace(b"V_MPEG4/ISO/ASP", b"V_XYZZY/ISO/ASP"))
    (piece,) = pool.decode(tmp_path / "mute.mkv").pieces
    assert len(piece.content.frames) == 8
    assert piece.content.sound is None
    with pytest.raises(MediaError, match=r"unsupported_format.*no decoder for its video stream"):
        pool.decode(tmp_path / "dark.mkv")


def test_an_audio_track_alone_is_audio(pool: DecoderPool, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm"):
        makers.write_video(tmp_path / name, 0, sound=2, fps=0)
        decoded = pool.decode(tmp_path / name)
        assert decoded.info.modality is Modality.AUDIO
        assert decoded.info.mime.startswith("audio/")
        (piece,) = decoded.pieces
        assert piece.content.seconds == pytest.approx(2, abs=0.2)


def test_content_wins_over_the_extension(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_image(tmp_path / "a.mp3", "PNG")
    assert pool.decode(tmp_path / "a.mp3").info.mime == "image/png"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.txt", "gr\u00fc\u00df".encode(), "gr\u00fc\u00df"),
        ("a.txt", "gr\u00fc\u00df".encode("utf-16"), "gr\u00fc\u00df"),
        ("a.txt", "\ufeffhello".encode(), "hello"),
        ("a.txt", "e\u0301\u202eab\x07c".encode(), "\u00e9abc"),
        ("a.md", b"# Title\n\nBody", "# Title\n\nBody"),
        ("a.html", b"<html><head><title>T</title><style>x{}</style></head><body><p>a &amp; b</p><script>no</script>",
         "T\n\n\na & b"),
        ("a.pdf", makers.pdf("Hello page"), "Hello page"),
    ],
)  # fmt: skip
def test_texts(name: str, data: bytes, text: str, pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    decoded = pool.decode(tmp_path / name)
    (piece,) = decoded.pieces
    assert decoded.info.modality is Modality.TEXT
    assert piece.content.replace("\n", "") == text.replace("\n", "")
    assert piece.segment.start is None
    assert piece.snippet == " ".join(text.split())


@pytest.mark.parametrize(
    ("suffix", "shown"), [("png", True), ("wav", True), ("mp4", True), ("glb", True), ("txt", False)]
)
@pytest.mark.parametrize(("rendition", "side"), [(Rendition.SMALL, 320), (Rendition.LARGE, 1280)])
def test_previews(suffix: str, shown: bool, rendition: Rendition, side: int, pool: DecoderPool, tmp_path: Path) -> None:
    from io import BytesIO

    from PIL import Image

    path = tmp_path / f"a.{suffix}"
    match suffix:
        case "png":
            makers.picture(1500, 300).save(path)
        case "wav":
            makers.write_sound(path, 3)
        case "mp4":
            makers.write_video(path, 1)
        case "glb":
            makers.write_mesh(path)
        case _:
            path.write_text("words")
    with path.open("rb") as file:
        data = pool.render(path, file.fileno(), rendition)
    assert (data is not None) is shown
    if data is not None:
        image = Image.open(BytesIO(data))
        assert image.format == "WEBP"
        # a small film is not enlarged, and a 3D object is drawn at 256 or 512
        assert max(image.size) == {"mp4": 64, "glb": 256 if side == 320 else 512}.get(suffix, side)
        assert (image.mode == "RGBA") is (suffix in ("wav", "glb"))
        assert np.asarray(image).std() > 1
