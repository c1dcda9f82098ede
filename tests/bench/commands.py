"""Whether a documented command exists: its script with its options, its test file, its target of make."""

import re
import shlex
from pathlib import Path

from tests.test_docs import problems

ROOT = Path(__file__).parent.parent.parent
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def missing(command: str) -> list[str]:
    """What a command line names that does not exist; parts after `&&` are commands of their own."""
    return [each for part in command.split(" && ") for each in missing_of_one(part)]


def missing_of_one(command: str) -> list[str]:
    words = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=\S*", word) and word != "time"]
    if words[0] == "omnisearch":
        return problems(shlex.join(words[1:]))
    if words[0] == "make":
        return [f"no target {word}" for word in words[1:] if word not in TARGETS]
    if words[:3] == ["python", "-m", "pytest"]:
        return [f"no file {word}" for word in words[3:] if word.endswith(".py") and not (ROOT / word).exists()]
    if words[0] == "python":
        return missing_of_a_script(words[1], words[2:])
    return [] if words[0] == "du" else [f"an unknown kind of command: {command}"]


def missing_of_a_script(script: str, arguments: list[str]) -> list[str]:
    if not (ROOT / script).is_file():
        return [f"no file {script}"]
    source = (ROOT / script).read_text("utf-8")
    flags = [word for word in arguments if word.startswith("--")]
    return [f"{script} has no {flag}" for flag in flags if f'"{flag}"' not in source]
