"""How commands find the server of a data directory."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from omnisearch.client.running import FILE, Server, announced, digest, find_server
from omnisearch.config import Settings, load_settings

URL = "http://127.0.0.1:8123"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data")


def test_a_server_is_found_while_it_runs(settings: Settings) -> None:
    file = settings.data_dir / FILE
    assert find_server(settings) is None
    with announced(settings, URL, "secret"):
        assert find_server(settings) == Server(URL, "secret", "default")
        assert file.stat().st_mode & 0o777 == 0o600
    assert find_server(settings) is None
    assert not file.exists()


def test_the_file_of_a_killed_server_is_ignored_and_replaced(settings: Settings) -> None:
    about = {"url": URL, "secret": "old", "settings": digest(settings), "pid": os.getpid()}
    settings.data_dir.mkdir()
    (settings.data_dir / FILE).write_text(json.dumps(about))
    (settings.data_dir / FILE).chmod(0o600)
    assert find_server(settings) is None
    with announced(settings, URL, "new"):
        assert find_server(settings) == Server(URL, "new", "default")


def test_the_first_server_of_a_data_directory_stays_announced(settings: Settings) -> None:
    with announced(settings, URL, "first"):
        with announced(settings, "http://127.0.0.1:9", "second"):
            assert find_server(settings) == Server(URL, "first", "default")
        assert find_server(settings) == Server(URL, "first", "default")


@pytest.mark.parametrize(
    "change", [{"model": "other"}, {"share": 0.5}, {"segment_seconds": 5.0}, {"store": "http://localhost:6333"}]
)
def test_a_server_that_would_answer_otherwise_is_not_asked(settings: Settings, change: dict[str, object]) -> None:
    with announced(settings, URL, "secret"):
        assert find_server(settings.model_copy(update=change)) is None
        assert find_server(settings.model_copy(update={"log_level": "info", "workers": 7})) is not None


def test_a_server_is_asked_for_any_collection(settings: Settings) -> None:
    with announced(settings.model_copy(update={"collection": "music"}), URL, "secret"):
        assert find_server(settings) == Server(URL, "secret", "default")
        assert find_server(settings.model_copy(update={"collection": "photos"})) == Server(URL, "secret", "photos")


def test_a_file_that_others_can_read_or_that_is_no_file_is_not_trusted(settings: Settings, tmp_path: Path) -> None:
    file = settings.data_dir / FILE
    with announced(settings, URL, "secret"):
        file.chmod(0o644)
        assert find_server(settings) is None
        file.chmod(0o600)
        moved = file.rename(tmp_path / "elsewhere")
        file.symlink_to(moved)
        assert find_server(settings) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 3}'])
def test_a_half_written_file_is_no_server(settings: Settings, text: str) -> None:
    settings.data_dir.mkdir()
    file = settings.data_dir / FILE
    file.write_text(text)
    file.chmod(0o600)
    with file.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert find_server(settings) is None


def test_where_nothing_can_be_written_the_server_runs_unannounced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with announced(load_settings(data_dir=tmp_path / "file"), URL, "secret"):
        pass


def test_a_model_is_named_by_its_folder_wherever_one_stands(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy").mkdir()
    monkeypatch.chdir(tmp_path)
    assert digest(settings.model_copy(update={"model": "./toy"})) == digest(
        settings.model_copy(update={"model": str(tmp_path / "toy")})
    )
