"""Open the folder of a file in the file browser of this machine, for a user who sits in front of it."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from starlette.requests import HTTPConnection

from omnisearch.api.authority import LOOPBACK
from omnisearch.errors import NotFoundError

START_SECONDS = 5.0  # within which an opener fails, or has opened a window
# A proxy adds one of these, and then the client may be on another machine.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_local(request: HTTPConnection) -> bool:
    """Return whether a request comes from this machine, and not through a proxy on it."""
    client = request.client
    return client is not None and client.host in LOOPBACK and not any(name in request.headers for name in FORWARDED)


def has_opener() -> bool:
    """Return whether this machine has a program that shows folders, and a screen to show them on."""
    return bool(_opener(Path("/")))


def open_folder(path: Path) -> None:
    """Show the folder of a file. No shell is involved, and the path is one argument.

    Raises:
        NotFoundError: there is no such file, no program that shows folders, or the program failed.
    """
    command = _opener(path)
    if not command:
        raise NotFoundError("this machine has no program that shows folders, or no screen: open the path yourself")
    if not os.path.lexists(path):
        raise NotFoundError("the file is missing: run `omnisearch index PATH...` to bring the index up to date")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise NotFoundError(f"{command[0]} cannot be started: {error.strerror}") from None
    try:
        status = process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:  # some openers run as long as their window
        threading.Thread(target=process.wait, daemon=True).start()
        return
    if status != 0:
        raise NotFoundError(f"{command[0]} ended with status {status}: open the path yourself")


def _opener(path: Path) -> list[str]:
    """Return the command that shows the folder of a file; empty if there is none."""
    if sys.platform == "darwin":
        return ["/usr/bin/open", "-R", str(path)]  # a folder alone might be an application, which would start
    program = shutil.which("xdg-open")
    has_screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return [program, str(path.parent)] if program and has_screen else []
