"""The check of the page's types: it needs Node, and neither fails without it nor asks the network needlessly."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent / "web"
Check = Callable[[], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run a copy of web/check.sh where only the programs in tmp_path/bin exist."""
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    for name in ("check.sh", "install.sh", "package-lock.json"):
        shutil.copy(WEB / name, tmp_path / "web")
    (tmp_path / "bin").mkdir()
    for name in ("sh", "dirname", "cmp", "cp"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))

    def run() -> "subprocess.CompletedProcess[str]":
        script = tmp_path / "web" / "check.sh"
        return subprocess.run(
            [script], env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True, check=False
        )

    return run


def npm(place: Path, fails: str = "nothing") -> None:
    """Install an npm that notes what it was asked and fails if that holds `fails`."""
    program = place / "bin" / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" >>{place}/asked\ncase "$*" in *{fails}*) exit 1 ;; esac\n')
    program.chmod(0o755)


def asked(place: Path) -> list[str]:
    return [line.removeprefix("run --silent ").split()[0] for line in (place / "asked").read_text().splitlines()]


def test_without_node_the_check_is_skipped_in_one_line(check: Check) -> None:
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The types of the page are not checked: there is no npm here.\n"


def test_packages_that_cannot_be_installed_skip_it(check: Check, tmp_path: Path) -> None:
    npm(tmp_path, fails="ci")
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The types of the page are not checked: npm ci failed in web/.\n"
    assert asked(tmp_path) == ["ci"]


def test_packages_are_installed_once_for_a_lock_file(check: Check, tmp_path: Path) -> None:
    npm(tmp_path)
    assert [check().returncode, check().returncode] == [0, 0]
    assert asked(tmp_path) == ["ci", "fresh", "check", "fresh", "check"]
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    assert check().returncode == 0
    assert asked(tmp_path)[5:] == ["ci", "fresh", "check"]


@pytest.mark.parametrize(("step", "said"), [("fresh", "run make web-types"), ("check", "")])
def test_stale_or_wrong_types_fail_it(step: str, said: str, check: Check, tmp_path: Path) -> None:
    npm(tmp_path, fails=step)
    done = check()
    assert done.returncode != 0
    assert said in done.stderr
