"""Files that failed and may be good: how often they are read again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Decoded, Role
from omnisearch_indexer import session
from omnisearch_indexer.retries import RUNS
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures
from tests.indexer.conftest import points_of, write_image, write_sound
from tests.indexer.test_session import _same, counts


class Fragile(DecoderPool):
    """A pool whose decoders fail for `reason` as long as there is one."""

    reason: Reason | None = None
    asked = 0

    def decode(self, path: Path, follow_links: bool = True) -> Decoded:  # type: ignore[override]
        self.asked += 1
        if self.reason is not None:
            raise MediaError(self.reason, "SIGKILL")
        return super().decode(path, follow_links)


@pytest.fixture
def fragile(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fragile]:
    with Fragile(settings, settings.workers) as pool:

        @contextmanager
        def decoders(settings: Settings, workers: int, **options: object) -> Iterator[Fragile]:
            yield pool

        monkeypatch.setattr(session, "decoder_pool", decoders)
        yield pool


@pytest.mark.parametrize("reason", [Reason.DECODER_CRASHED, Reason.TIMEOUT, Reason.OOM])
def test_a_good_file_that_the_machine_failed_is_read_again(
    tmp_path: Path, settings: Settings, fragile: Fragile, reason: Reason
) -> None:
    folder = write_image(tmp_path / "files" / "p.png").parent
    fragile.reason = reason
    assert counts(index_files([folder], settings)) == {"failed": 1}
    fragile.reason = None
    assert counts(index_files([folder], settings)) == {"new": 1}
    assert counts(index_files([folder], settings)) == {"unchanged": 1}


def test_a_file_that_always_kills_its_decoder_is_given_up(tmp_path: Path, settings: Settings, fragile: Fragile) -> None:
    path = write_image(tmp_path / "files" / "p.png")
    fragile.reason = Reason.DECODER_CRASHED
    for round_begins in ("at first", "with --retry-failed", "changed"):
        if round_begins == "changed":
            write_image(path, seed=1)
        for run in range(1, RUNS + 3):
            fragile.asked = 0
            again = round_begins == "with --retry-failed" and run == 1
            assert counts(index_files([path.parent], settings, retry_failed=again)) == {"failed": 1}
            assert (fragile.asked > 0) == (run <= RUNS), (round_begins, run)
        assert [row["attempts"] for row in read_failures(settings, False)] == [RUNS]


def test_a_file_with_a_fault_of_its_own_is_read_once(tmp_path: Path, settings: Settings, fragile: Fragile) -> None:
    folder = write_image(tmp_path / "files" / "p.png").parent
    fragile.reason = Reason.DECODE_ERROR
    for _ in range(3):
        index_files([folder], settings)
    assert fragile.asked == 1


def test_a_decoder_that_is_killed_inside_a_long_file(
    tmp_path: Path, settings: Settings, fragile: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the kernel's OOM killer, say. What was encoded until then is not encoded again."""
    path = write_sound(tmp_path / "files" / "long.wav", 300)
    original = Fragile.decode
    monkeypatch.setattr(Fragile, "decode", lambda *args, **kwargs: _killed_after(original(*args, **kwargs), 20))
    small = settings.model_copy(update={"batch_size": 1})
    assert index_files([path.parent], small).reasons == {Reason.DECODER_CRASHED: 1}
    monkeypatch.setattr(Fragile, "decode", original)
    encoded = _count_encoded(monkeypatch)
    report = index_files([path.parent], small)
    assert counts(report) == {"new": 1}
    assert len(encoded) == report.segments - 20
    fresh = small.model_copy(update={"data_dir": tmp_path / "fresh"})
    index_files([path.parent], fresh)
    assert _same(points_of(small), points_of(fresh))


def _killed_after(decoded: Decoded, pieces: int) -> Decoded:
    def stream() -> Iterator[object]:
        for n, piece in enumerate(decoded.pieces):
            yield piece
            if n + 1 == pieces:
                os.kill(decoded.pieces._job._worker._process.pid, signal.SIGKILL)  # type: ignore[attr-defined]

    return Decoded(decoded.info, stream())  # type: ignore[arg-type]


def _count_encoded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    from omnisearch.binding.model import OmniBind

    encoded: list[object] = []
    original = OmniBind.encode_spaces

    def count(model: OmniBind, modality: object, contents: list[object], role: Role) -> object:
        encoded.extend(contents)
        return original(model, modality, contents, role)  # type: ignore[arg-type]

    monkeypatch.setattr(OmniBind, "encode_spaces", count)
    return encoded
