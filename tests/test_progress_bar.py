"""The progress bar estimates the time left from files and bytes together."""

import pytest

from omnisearch.cli import progress_bar
from omnisearch.cli.progress_bar import Bar


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("unit", "total", "files", "done", "ended", "left"),
    [
        ("bytes", 1000, 100, 10, 49, "300 s left"),  # 49 % of the files and 1 % of the bytes took 100 s
        ("bytes", 1000, 10, 500, 5, "100 s left"),
        ("points", 400, 0, 100, 0, "300 s left"),
    ],
)
def test_time_left(
    clock: list[float],
    capsys: pytest.CaptureFixture[str],
    unit: str,
    total: int,
    files: int,
    done: int,
    ended: int,
    left: str,
) -> None:
    with Bar("indexing", unit) as bar:  # type: ignore[arg-type]
        bar.start(total, files)
        clock[0] = 100.0
        bar.advance(done, ended)
    assert left in capsys.readouterr().err


def test_no_time_is_estimated_from_next_to_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("indexing", "bytes") as bar:
        bar.start(1000, 100)
        clock[0] = 100.0
        bar.advance(1, 1)
    assert "left" not in capsys.readouterr().err
