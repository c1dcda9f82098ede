"""Long files: they keep no other file waiting, and what was encoded of them outlives the run."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason
from omnisearch.types import Content, Decoded, MediaInfo, Modality, Piece, Role, Segment, SpaceEmbeddings, Waveform
from omnisearch_indexer import batcher, indexer, session, writer
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.reader_queue import content_bytes
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.scan import Choices, scan
from omnisearch_indexer.session import index_files
from omnisearch_indexer.walk import Walk
from tests.indexer.conftest import keys_of, paths_of, points_of, write_image, write_sound
from tests.indexer.test_crash import ended, start
from tests.indexer.test_session import _same, counts

RATE = 8000
SECONDS = 10.0


class Lost(BaseException):
    """Ends a run as a crash does: nothing is written any more."""


class Recorder:
    """A decoder of files that hold the numbers `pieces seed`: so many segments of noise."""

    def __init__(self) -> None:
        self.given = 0  # bytes of contents
        self.voice = 0  # another one, and the same file sounds otherwise
        self.breaks_at: int | None = None

    def start(self, count: int) -> None:
        """It has no processes."""

    def decode(self, path: Path, follow_links: bool = True) -> Decoded:
        pieces, seed = map(int, path.read_text().split())
        return Decoded(MediaInfo(Modality.AUDIO, "audio/wav", pieces * SECONDS), self._pieces(pieces, seed))

    def _pieces(self, pieces: int, seed: int) -> Iterator[Piece]:
        for n in range(pieces):
            if n == self.breaks_at:
                raise MediaError(Reason.DECODE_ERROR, "a scratch")
            tone = np.random.default_rng([self.voice, seed, n]).normal(size=400).astype(np.float32) / 8
            wave = Waveform(np.resize(tone, int(RATE * SECONDS)), RATE)
            self.given += content_bytes(wave)
            yield Piece(Segment(n, n * SECONDS, (n + 1) * SECONDS, "seconds"), wave)


class Listener:
    """Counts what the spaces of every model are given, and can make that slow or end the run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = 0  # bytes
        self.heard: list[Content] = []
        self.ends_at: int | None = None
        self.before: Callable[[], None] = lambda: None
        original = OmniBind.encode_spaces

        def listen(model: OmniBind, modality: Modality, contents: list[Content], role: Role) -> SpaceEmbeddings:
            self.before()
            if self.ends_at is not None and len(self.heard) >= self.ends_at:
                raise Lost
            self.taken += sum(map(content_bytes, contents))
            self.heard += contents
            return original(model, modality, contents, role)

        monkeypatch.setattr(OmniBind, "encode_spaces", listen)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()

    @contextmanager
    def decoders(settings: Settings, workers: int, **options: object) -> Iterator[Recorder]:
        yield made

    monkeypatch.setattr(session, "decoder_pool", decoders)
    return made


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    return Listener(monkeypatch)


@pytest.fixture
def small_batches(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Batches of four, each durable at once."""
    monkeypatch.setattr(writer, "FLUSH_POINTS", 1)
    return settings.model_copy(update={"batch_size": 4})


def record(path: Path, pieces: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{pieces} {seed}")
    return path


def unfinished(settings: Settings) -> int:
    with closing(Manifest(settings.data_dir / "manifest.sqlite")) as manifest:
        return len(manifest.intents)


def lose(folder: Path, settings: Settings, listener: Listener, after: int) -> None:
    """Index until so many contents are encoded, then die."""
    listener.ends_at = len(listener.heard) + after
    with pytest.raises(Lost):
        index_files([folder], settings)
    listener.ends_at = None


@pytest.mark.slow
def test_small_files_do_not_wait_behind_a_long_one(
    tmp_path: Path, settings: Settings, recorder: Recorder, listener: Listener
) -> None:
    """The long file is first by name and as small as the others by its bytes, so nothing but the channel helps."""
    folder = tmp_path / "files"
    record(folder / "a-long.wav", 300, seed=999)
    for n in range(100):
        record(folder / f"small{n:03}.wav", 1, seed=n)
    listener.before = lambda: time.sleep(0.05)  # the towers are slower than the decoder
    index_files([folder], settings.model_copy(update={"batch_size": 4}))
    tones = [np.random.default_rng([0, 999, n]).normal(size=400).astype(np.float32) / 8 for n in range(300)]
    firsts = {tone[:8].tobytes() for tone in tones}
    is_long = [wave.samples[:8].tobytes() in firsts for wave in listener.heard if isinstance(wave, Waveform)]
    assert (is_long.count(True), is_long.count(False)) == (300, 100)
    last_small = len(is_long) - 1 - is_long[::-1].index(False)
    assert is_long[:last_small].count(True) < 100  # of 300; with one queue for all files, nearly all


def test_small_files_are_read_first(tmp_path: Path, settings: Settings, recorder: Recorder, listener: Listener) -> None:
    """As many long files as there are readers would leave none to the small ones."""
    folder = tmp_path / "files"
    sizes = {"a": 5000, "b": 4500, "c": 3, "d": 90, "e": 2}
    for name, size in sizes.items():
        record(folder / name, 1, seed=ord(name)).write_text(f"1 {ord(name)}".ljust(size))
    with closing(Manifest(tmp_path / "manifest.sqlite", create=True)) as manifest:
        found = scan(Walk([str(folder)]), {}, manifest, "decoder", Choices(), threading.Event())
    assert [Path(reading.path).name for reading in found.todo] == ["c", "e", "d", "a", "b"]


def test_the_contents_in_memory_are_bounded(
    tmp_path: Path, settings: Settings, recorder: Recorder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = int(RATE * SECONDS) * 4
    monkeypatch.setattr(indexer, "CHANNEL_BYTES", 8 * piece)
    monkeypatch.setattr(batcher, "BATCH_BYTES", 4 * piece)
    for n in range(6):
        record(tmp_path / "files" / f"{n}.wav", 40, seed=n)
    most = 0

    def look() -> None:
        nonlocal most
        time.sleep(0.005)
        most = max(most, recorder.given - listener.taken)

    listener.before = look
    index_files([tmp_path / "files"], settings)
    # The channel, a batch and the piece that filled it, and one piece in the hand of each reader.
    assert 8 * piece <= most <= (8 + 4 + 1 + settings.workers) * piece


@pytest.mark.slow
def test_a_run_that_was_lost_in_a_long_file_encodes_nothing_twice(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener
) -> None:
    folder = record(tmp_path / "files" / "long.wav", 30).parent
    lose(folder, small_batches, listener, 16)
    encoded = len(listener.heard)  # a batch for an idle encoder is not full, so this may be some more than 16
    assert (len(keys_of(small_batches)), points_of(small_batches), unfinished(small_batches)) == (encoded, {}, 1)
    assert counts(index_files([folder], small_batches)) == {"new": 1}
    assert len(listener.heard) == 30
    fresh = small_batches.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([folder], fresh)
    assert _same(points_of(small_batches), points_of(fresh))
    assert keys_of(small_batches) == set(points_of(fresh))
    assert unfinished(small_batches) == 0


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer import session, writer

writer.FLUSH_POINTS = 1
original, done, batches = OmniBind.encode_spaces, 0, 0
written = threading.Semaphore(0)  # batches whose embeddings are durable
flush = SpaceEmbeddingStore.flush

def flush_and_count(store):
    flush(store)
    written.release()

def encode_spaces(model, modality, contents, role):
    global done, batches
    if done >= 12:
        for _ in range(batches):
            written.acquire(timeout=20)
        print(done, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    done, batches = done + len(contents), batches + 1
    return original(model, modality, contents, role)

OmniBind.encode_spaces = encode_spaces
SpaceEmbeddingStore.flush = flush_and_count
settings = load_settings(model=sys.argv[1], data_dir=Path(sys.argv[2]), workers=2, batch_size=4)
session.index_files([Path(sys.argv[3])], settings)
"""


@pytest.mark.slow
def test_a_killed_process_has_kept_what_it_encoded(tmp_path: Path, settings: Settings, listener: Listener) -> None:
    path = write_sound(tmp_path / "files" / "long.wav", 200)
    status, stdout, stderr = ended(start("-c", KILLED, settings.model, settings.data_dir, path.parent))
    assert status == -signal.SIGKILL, stderr
    report = index_files([path.parent], settings)
    assert len(listener.heard) == report.segments - int(stdout) < report.segments
    assert len(points_of(settings)) == report.segments == len(keys_of(settings))


def test_an_interrupted_run_keeps_the_segments_of_a_long_file(
    tmp_path: Path, settings: Settings, recorder: Recorder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    @contextmanager
    def on_signal() -> Iterator[threading.Event]:
        yield stop

    monkeypatch.setattr(session, "stop_on_signal", on_signal)
    monkeypatch.setattr(indexer, "CHANNEL_BYTES", 8 * int(RATE * SECONDS) * 4)  # the reader is not far ahead
    folder = record(tmp_path / "files" / "long.wav", 30).parent
    listener.before = lambda: stop.set() if len(listener.heard) >= 8 else None
    small = settings.model_copy(update={"batch_size": 4})
    report = index_files([folder], small)
    assert (report.interrupted, counts(report), len(keys_of(small))) == (True, {"pending": 1}, len(listener.heard))
    assert len(listener.heard) < 30
    stop.clear()
    listener.before = lambda: None
    assert counts(index_files([folder], small)) == {"new": 1}
    assert len(listener.heard) == 30


def test_a_stopped_run_encodes_only_the_batch_that_it_has_begun(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener
) -> None:
    for n in range(20):
        record(tmp_path / "files" / f"{n}.wav", 1, n)
    stop, one = threading.Event(), int(RATE * SECONDS) * 4

    def stop_later() -> None:
        deadline = time.monotonic() + 30
        while recorder.given < 12 * one:  # one batch is ready, and the pieces of another one wait
            assert time.monotonic() < deadline
            time.sleep(0.01)
        stop.set()

    listener.before = stop_later
    report = index_files([tmp_path / "files"], small_batches, stop=stop)
    begun = len(listener.heard)
    assert begun <= 4
    assert (report.interrupted, counts(report)) == (True, {"new": begun, "pending": 20 - begun})
    listener.before = lambda: None
    assert counts(index_files([tmp_path / "files"], small_batches)) == {"new": 20 - begun, "unchanged": begun}
    assert len(listener.heard) == 20


@pytest.mark.slow
def test_segments_of_another_decoder_are_not_taken_for_those_of_this_one(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = record(tmp_path / "files" / "long.wav", 30).parent
    lose(folder, small_batches, listener, 16)
    encoded = len(listener.heard)
    monkeypatch.setattr(session, "fingerprint", lambda settings: "a newer decoder")
    recorder.voice = 1
    index_files([folder], small_batches)
    assert len(listener.heard) == encoded + 30
    fresh = small_batches.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([folder], fresh)
    assert _same(points_of(small_batches), points_of(fresh))


def _delete(path: Path) -> None:
    path.unlink()


def _change(path: Path) -> None:
    record(path, 3, seed=5)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("happens", [_delete, _change, _empty])
def test_a_file_that_is_never_finished_leaves_nothing(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener, happens: Callable[[Path], None]
) -> None:
    path = record(tmp_path / "files" / "long.wav", 30)
    record(tmp_path / "files" / "other.wav", 2, seed=1)
    lose(path.parent, small_batches, listener, 16)
    assert len(keys_of(small_batches)) >= 16
    happens(path)
    index_files([path.parent], small_batches)
    assert keys_of(small_batches) == set(points_of(small_batches))
    assert unfinished(small_batches) == 0


def test_a_file_whose_end_is_unreadable_leaves_nothing(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener
) -> None:
    record(tmp_path / "files" / "long.wav", 30)
    recorder.breaks_at = 21
    report = index_files([tmp_path / "files"], small_batches)
    assert report.reasons == {Reason.DECODE_ERROR: 1}
    assert len(listener.heard) >= 16
    assert (keys_of(small_batches), points_of(small_batches), unfinished(small_batches)) == (set(), {}, 0)


def test_a_segment_without_a_direction_leaves_nothing(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own embeddings are finite and stored, and only their sum is none."""
    record(tmp_path / "files" / "long.wav", 30)
    monkeypatch.setattr(batcher, "usable", lambda vector: len(listener.heard) < 12)
    report = index_files([tmp_path / "files"], small_batches)
    assert report.reasons == {Reason.NON_FINITE: 1}
    assert (keys_of(small_batches), points_of(small_batches), unfinished(small_batches)) == (set(), {}, 0)


def test_a_lost_run_over_other_paths_keeps_what_it_does_not_touch(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener
) -> None:
    long = record(tmp_path / "a" / "long.wav", 30).parent
    lose(long, small_batches, listener, 16)
    index_files([record(tmp_path / "b" / "other.wav", 1, seed=3).parent], small_batches)
    assert paths_of(small_batches) == {str(tmp_path / "b" / "other.wav")}
    index_files([long], small_batches)
    assert len(listener.heard) == 30 + 1


def test_a_first_flush_comes_within_seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = 100.0
    monkeypatch.setattr(writer.time, "monotonic", lambda: now)
    with closing(Manifest(tmp_path / "manifest.sqlite", create=True)) as manifest:
        made = writer.Writer(None, None, manifest, "decoder", None)  # type: ignore[arg-type]
        flushes = []
        for tick in range(1, 600):
            now = 100.0 + tick / 10
            if made.waited():
                flushes.append(tick / 10)
                made.write()
    assert flushes[0] <= 2
    gaps = np.diff([0, *flushes])
    assert np.all(np.diff(gaps) > -0.11)  # seldomer and seldomer
    assert gaps.max() <= writer.FLUSH_SECONDS + 0.11


def test_a_rare_kind_does_not_wait_for_a_full_batch(
    tmp_path: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One picture beside a long sound: it is searchable while the sound is still being encoded."""
    monkeypatch.setattr(writer, "FIRST_FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(writer, "FLUSH_SECONDS", 0.05)
    write_image(tmp_path / "files" / "z.png")
    write_sound(tmp_path / "files" / "long.wav", 1000)
    whole: list[int] = []
    original = writer.Writer.write

    def write(made: writer.Writer) -> object:
        if any(work.info.modality is Modality.IMAGE for work in made.whole):
            whole.append(sum(isinstance(content, Waveform) for content in listener.heard))
        return original(made)

    monkeypatch.setattr(writer.Writer, "write", write)
    listener.before = lambda: time.sleep(0.05)
    report = index_files([tmp_path / "files"], settings.model_copy(update={"batch_size": 8}))
    assert whole[0] < report.segments / 2


class Diary:
    """A meter that notes what it is told."""

    def __init__(self) -> None:
        self.total, self.files, self.steps = 0, 0, [(0, 0)]

    def start(self, total: int, files: int = 0) -> None:
        self.total, self.files = total, files

    def advance(self, count: int, files: int = 0) -> None:
        done, ended_files = self.steps[-1]
        self.steps.append((done + count, ended_files + files))


def test_a_long_file_moves_the_meter(tmp_path: Path, settings: Settings) -> None:
    diary = Diary()
    paths = [write_sound(tmp_path / "files" / "long.wav", 300), write_image(tmp_path / "files" / "p.png")]
    (tmp_path / "files" / "bad.png").write_bytes(paths[1].read_bytes()[:60])
    (tmp_path / "files" / "copy.png").write_bytes(paths[1].read_bytes())
    (tmp_path / "files" / "long.txt").write_text("the quick brown fox. " * 2000)
    report = index_files([tmp_path / "files"], settings.model_copy(update={"batch_size": 4}), meter=diary)
    assert report.outcomes[Outcome.FAILED] == 1
    sizes = sum(path.stat().st_size for path in (tmp_path / "files").iterdir())
    assert (diary.total, diary.files) == (sizes, 5)
    assert diary.steps[-1] == (sizes, 5)
    assert len({done for done, _ in diary.steps}) > 10  # more than two steps a file: segments move the meter, too
    assert all(later[0] >= sooner[0] for sooner, later in zip(diary.steps, diary.steps[1:], strict=False))


@pytest.mark.slow
def test_a_lost_run_over_known_files_leaves_them_in_the_index(
    tmp_path: Path, small_batches: Settings, recorder: Recorder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer decoder reads a file again and dies, then the file cannot be reached: what was known of it stays."""
    path = record(tmp_path / "files" / "long.wav", 30)
    record(tmp_path / "files" / "other.wav", 1, seed=3)
    index_files([path.parent], small_batches)
    before = points_of(small_batches)
    monkeypatch.setattr(session, "fingerprint", lambda settings: "a newer decoder")
    recorder.voice = 1
    lose(path.parent, small_batches, listener, 16)
    path.rename(tmp_path / "away.wav")
    index_files([record(tmp_path / "b" / "third.wav", 1, seed=4).parent], small_batches)
    assert before.keys() <= points_of(small_batches).keys()
    (tmp_path / "away.wav").rename(path)
    index_files([path.parent, tmp_path / "b"], small_batches)
    fresh = small_batches.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([path.parent, tmp_path / "b"], fresh)
    assert _same(points_of(small_batches), points_of(fresh))
    assert keys_of(small_batches) == set(points_of(fresh))
