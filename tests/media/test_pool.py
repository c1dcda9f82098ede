"""The pool outlives its workers, its files and its readers."""

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image

from omnisearch.config import Settings, load_settings
from omnisearch.errors import MediaError, Reason, StoppedError
from omnisearch.media.piece_codec import pack, unpack
from omnisearch.media.pool import DecoderPool, restarts
from omnisearch.media.versions import fingerprint
from omnisearch.media.worker_process import Limits
from omnisearch.types import Clip, Modality, Piece, PointCloud, Segment, Waveform
from omnisearch.wire import Message, WireError
from tests.media import makers


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data")


def _children() -> set[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def _worker_pid(pool: DecoderPool) -> int:
    worker = pool._idle.get()
    pool._idle.put(worker)
    assert worker is not None
    return worker._process.pid


@pytest.mark.slow
def test_a_worker_killed_between_pieces(settings: Settings, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 40)
    makers.write_image(tmp_path / "a.png", "PNG")
    with DecoderPool(settings, workers=1) as pool:
        list(pool.decode(tmp_path / "a.png").pieces)
        pid = _worker_pid(pool)
        pieces = pool.decode(tmp_path / "a.wav").pieces
        next(pieces)
        before = restarts()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(MediaError) as caught:
            list(pieces)
        assert caught.value.reason is Reason.DECODER_CRASHED
        assert restarts() == before + 1
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1
        assert _worker_pid(pool) != pid


@pytest.mark.slow
def test_a_worker_that_died_idle_is_replaced(settings: Settings, tmp_path: Path) -> None:
    makers.write_image(tmp_path / "a.png", "PNG")
    with DecoderPool(settings, workers=1) as pool:
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1
        (idle,) = pool._idle.queue
        assert idle is not None
        os.kill(idle._process.pid, signal.SIGKILL)
        idle._process.wait()
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1


def test_a_decoder_that_hangs(settings: Settings, tmp_path: Path) -> None:
    makers.write_image(tmp_path / "a.png", "PNG")
    with DecoderPool(settings, workers=1) as pool:
        list(pool.decode(tmp_path / "a.png").pieces)
        pool._limits = Limits(answer_seconds=0.3)
        os.kill(_worker_pid(pool), signal.SIGSTOP)
        with pytest.raises(MediaError) as caught:
            pool.decode(tmp_path / "a.png")
        assert caught.value.reason is Reason.TIMEOUT
        pool._limits = Limits()
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1


@pytest.mark.slow
def test_stopping_ends_a_decoder_that_works(settings: Settings, tmp_path: Path) -> None:
    makers.write_image(tmp_path / "a.png", "PNG")
    makers.write_sound(tmp_path / "a.wav", 40)
    stop = threading.Event()
    with DecoderPool(settings, workers=1) as pool:
        list(pool.decode(tmp_path / "a.png").pieces)
        stuck = _worker_pid(pool)
        pieces = pool.decode(tmp_path / "a.wav", stopped=stop.is_set).pieces
        next(pieces)
        os.kill(stuck, signal.SIGSTOP)
        threading.Timer(0.3, stop.set).start()
        start = monotonic()
        with pytest.raises(StoppedError):
            list(pieces)
        assert monotonic() - start < Limits().answer_seconds / 2
        assert stuck not in _children()
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1


@pytest.mark.slow
def test_stopping_ends_the_wait_for_a_decoder(settings: Settings, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 40)
    with DecoderPool(settings, workers=1) as pool:
        busy = pool.decode(tmp_path / "a.wav").pieces
        asked = iter([False, False, True])
        with pytest.raises(StoppedError):
            pool.decode(tmp_path / "a.wav", stopped=lambda: next(asked))
        assert len(list(busy)) == 5


@pytest.mark.slow
def test_memory_is_limited(settings: Settings, tmp_path: Path) -> None:
    Image.new("RGB", (6000, 6000)).save(tmp_path / "big.png", compress_level=1)
    makers.write_image(tmp_path / "small.png", "PNG")
    with DecoderPool(settings, workers=1, limits=Limits(memory_bytes=350 << 20)) as pool:
        assert len(list(pool.decode(tmp_path / "small.png").pieces)) == 1
        with pytest.raises(MediaError) as caught:
            list(pool.decode(tmp_path / "big.png").pieces)
        assert caught.value.reason in (Reason.MEMORY_LIMIT, Reason.DECODER_CRASHED)


@pytest.mark.slow
def test_closing_early_frees_the_worker(settings: Settings, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 60)
    with DecoderPool(settings, workers=1) as pool:
        pieces = pool.decode(tmp_path / "a.wav").pieces
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        assert list(pieces) == []
        forgotten = pool.decode(tmp_path / "a.wav")
        del forgotten
        unread = pool.decode(tmp_path / "a.wav").pieces
        unread.close()  # type: ignore[attr-defined]
        assert len(list(pool.decode(tmp_path / "a.wav").pieces)) == 7


@pytest.mark.slow
def test_many_threads_share_few_workers(settings: Settings, tmp_path: Path) -> None:
    counts: dict[int, int] = {}
    for i in range(6):
        makers.write_sound(tmp_path / f"{i}.wav", 10 + 8 * i)

    with DecoderPool(settings, workers=2) as pool:

        def work(i: int) -> None:
            counts[i] = len(list(pool.decode(tmp_path / f"{i}.wav").pieces))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == {i: i + 1 for i in range(6)}


def test_no_process_and_no_descriptor_is_left(settings: Settings, tmp_path: Path) -> None:
    makers.write_image(tmp_path / "a.png", "PNG")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    gc.collect()  # or what other tests left behind may be closed meanwhile
    children, descriptors = _children(), len(list(Path("/proc/self/fd").iterdir()))
    with DecoderPool(settings, workers=2) as pool:
        for _ in range(3):
            list(pool.decode(tmp_path / "a.png").pieces)
            with pytest.raises(MediaError):
                pool.decode(tmp_path / "bad.png")
        assert _children() - children
    assert not _children() - children
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_a_worker_imports_nothing_from_the_working_directory(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)")
    makers.write_image(tmp_path / "a.png", "PNG")
    monkeypatch.chdir(tmp_path)
    with DecoderPool(settings, workers=1) as pool:
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1


def test_a_worker_imports_no_models_of_the_api() -> None:
    code = "import sys, omnisearch.media.worker, omnisearch.media.previews.webp; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "omnisearch.schema"} & set(done.stdout.split())


def test_workers_that_start_early_are_those_that_decode(settings: Settings, tmp_path: Path) -> None:
    makers.write_image(tmp_path / "a.png", "PNG")
    children = _children()
    with DecoderPool(settings, workers=3) as pool:
        pool.start(2)
        for thread in pool._starting:
            thread.join()
        early = _children() - children
        assert len(early) >= 2  # tests start them through another process
        assert len(list(pool.decode(tmp_path / "a.png").pieces)) == 1
        assert _children() - children == early
        pool.start(9)
    assert not _children() - children


@pytest.mark.slow
def test_siblings_below_the_folder_only(pool: DecoderPool, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "textures").mkdir(parents=True)
    makers.picture(8, 8).point(lambda _: 0).save(tmp_path / "black.png")
    for name in ("textures/black.png", "../black.png", "link.png", "textures\\black.png"):
        makers.picture(8, 8).point(lambda _: 0).save(folder / "textures" / "black.png")
        (folder / "link.png").unlink(missing_ok=True)
        (folder / "link.png").symlink_to(tmp_path / "black.png")
        (folder / "a.mtl").write_text(f"newmtl m\nKd 1 0 0\nmap_Kd {name}\n")
        corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        (folder / "a.obj").write_text(f"mtllib a.mtl\n{corners}usemtl m\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n")
        (piece,) = pool.decode(folder / "a.obj").pieces
        textured = piece.content.colors.max() < 0.1
        assert textured == name.startswith("textures"), name


def test_the_fingerprint_follows_what_decides_the_pieces(settings: Settings) -> None:
    assert fingerprint(settings) == fingerprint(load_settings(device="cpu"))
    names = {"segment_seconds": 12, "segment_overlap": 1, "passage_characters": 900, "passage_overlap": 100}
    prints = {fingerprint(load_settings(**{name: value})) for name, value in names.items()}
    assert len(prints | {fingerprint(settings)}) == 5


def test_pieces_survive_the_crossing_and_lies_do_not() -> None:
    frames = np.zeros((2, 4, 5, 3), np.uint8)
    sound = Waveform(np.zeros(9, np.float32), 8000)
    points = np.zeros((7, 3), np.float32)
    contents = {
        Modality.TEXT: "words",
        Modality.IMAGE: frames[0],
        Modality.AUDIO: sound,
        Modality.VIDEO: Clip(frames, sound),
        Modality.POINT_CLOUD: PointCloud(points, points, frames),
    }
    for modality, content in contents.items():
        piece = Piece(Segment(3, 1.5, 2.5, "seconds"), content, "line")
        back = unpack(pack(piece), modality)
        assert (back.segment, back.snippet, type(back.content)) == (piece.segment, "line", type(content))
        for other in set(contents) - {modality}:
            if (modality, other) == (Modality.VIDEO, Modality.AUDIO):
                continue  # a clip's message holds a sound
            with pytest.raises(WireError):
                unpack(pack(piece), other)
    broken = pack(Piece(Segment(), Waveform(np.full(3, np.nan, np.float32), 8000)))
    with pytest.raises(WireError):
        unpack(broken, Modality.AUDIO)
    with pytest.raises(WireError):
        unpack(Message({"piece": {"segment": [0, None, None, None], "snippet": ""}}, {}), Modality.IMAGE)


@pytest.mark.parametrize(
    ("shorter_side", "shape"), [(None, (768, 1024, 3)), (260, (480, 640, 3)), (512, (768, 1024, 3))]
)
def test_a_pool_decodes_pictures_for_an_encoder(
    settings: Settings, tmp_path: Path, shorter_side: int | None, shape: tuple[int, ...]
) -> None:
    makers.picture(1280, 960).save(tmp_path / "a.jpg")
    with DecoderPool(settings, workers=1, shorter_side=shorter_side) as pool:
        (piece,) = pool.decode(tmp_path / "a.jpg").pieces
    assert np.shape(piece.content) == shape
