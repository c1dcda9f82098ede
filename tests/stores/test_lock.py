"""The process that writes an index lets a snapshot copy it when its parts agree, and only then."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnisearch.errors import BusyError
from omnisearch.stores import lock
from omnisearch.stores.lock import hold_lock, pause_index


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[list[str]]:
    """A thread that writes two parts over and over, and pauses between; what it wrote."""
    written: list[str] = []
    stop, began = threading.Event(), threading.Event()

    def write() -> None:
        with hold_lock(tmp_path) as held:
            while not stop.is_set():
                written.append("engine")
                stop.wait(0.001)
                written.append("manifest")
                held.pause()
                began.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert began.wait(30)
    yield written
    stop.set()
    thread.join()


def test_a_snapshot_finds_the_parts_in_agreement_and_they_stay(tmp_path: Path, writer: list[str]) -> None:
    for _ in range(20):
        with pause_index(tmp_path):
            found = len(writer)
            assert writer.count("engine") == writer.count("manifest")
            threading.Event().wait(0.005)
            assert len(writer) == found
        threading.Event().wait(0.002)
    assert len(writer) > found  # it went on


def test_one_snapshot_waits_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.05)
    with pause_index(tmp_path), pytest.raises(BusyError, match="without a pause"), pause_index(tmp_path):
        pass
    with pause_index(tmp_path):
        pass


def test_a_process_that_does_not_pause_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.05)
    refused = pytest.raises(BusyError, match=f"process {os.getpid()} has been writing")
    with hold_lock(tmp_path), refused, pause_index(tmp_path):
        pass


def test_a_run_that_begins_waits_for_a_snapshot(tmp_path: Path) -> None:
    began = threading.Event()

    def write() -> None:
        with hold_lock(tmp_path):
            began.set()

    with pause_index(tmp_path):
        thread = threading.Thread(target=write)
        thread.start()
        assert not began.wait(0.05)
    assert began.wait(30)
    thread.join()
