"""Deaths at every step of compact, snapshot and restore, a hundred at random, and power cuts: none loses anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch_indexer.forget import forget_paths
from omnisearch_indexer.session import index_files
from omnisearch_indexer.snapshot import create_snapshot
from tests.indexer.conftest import write_image
from tests.indexer.damage import copy_index, wait_for_worker
from tests.indexer.sound import Sound
from tests.indexer.test_crash import ended, start

pytestmark = pytest.mark.slow
KILLS, CUTS = 100, 20


def deaths(how: str, settings: Settings, folder: Path, place: Path, *arguments: object) -> int:
    place.mkdir()
    run = start("-m", "tests.indexer.killed_runs", how, settings.model, folder, place, *arguments)
    status, stdout, stderr = ended(run)
    assert status == 0, stderr
    return int(stdout)


@pytest.fixture
def copied(sound: Sound, tmp_path: Path) -> Settings:
    """An index with something to compact."""
    settings = copy_index(sound.settings, tmp_path / "copy")
    extra = write_image(tmp_path / "extra" / "x.png", seed=99)
    index_files([extra], settings)
    forget_paths([extra], settings)
    wait_for_worker(settings)
    return settings


def test_kills_at_every_step(sound: Sound, copied: Settings, tmp_path: Path) -> None:
    snapshot, _ = create_snapshot(copied, tmp_path / "taken")
    wait_for_worker(copied)
    killed = {
        "create": deaths("create", copied, sound.folder, tmp_path / "a", copied.data_dir),
        "restore": deaths("restore", copied, sound.folder, tmp_path / "b", copied.data_dir, snapshot),
        "compact": deaths("compact", copied, sound.folder, tmp_path / "c", copied.data_dir),
    }
    assert sum(killed.values()) >= 60, killed


def test_kills_at_every_step_of_a_mirror(settings: Settings, tmp_path: Path) -> None:
    assert deaths("mirror", settings, tmp_path, tmp_path / "place") >= 30


def test_a_hundred_random_kills(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    assert deaths("kills", settings, tmp_path / "files", tmp_path / "place", KILLS) == KILLS


def can_mount(place: Path) -> bool:
    if os.geteuid() or not all(map(shutil.which, ("mkfs.ext4", "mount", "losetup"))):
        return False
    disk = place / "probe"
    with disk.open("wb") as file:
        file.truncate(1 << 20)
    found = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True)
    if found.returncode:
        return False
    subprocess.run(["losetup", "--detach", found.stdout.strip()], check=True)
    return True


def test_power_cuts(settings: Settings, tmp_path: Path) -> None:
    """What the system had not written to the disk is lost, and no file that was indexed."""
    if not can_mount(tmp_path):
        pytest.skip("only root mounts a loop device")
    (tmp_path / "files").mkdir()
    assert deaths("cuts", settings, tmp_path / "files", tmp_path / "place", CUTS) == CUTS
