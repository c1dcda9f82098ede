"""Processes that end with the one that started them: their standard input is a pipe that it holds."""

import sys
import threading
from collections.abc import Callable


def on_eof(call: Callable[[], object]) -> None:
    """Call a function, in a thread, when standard input ends; the process that holds it has ended, however it did."""

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        call()

    threading.Thread(target=watch, name="until-eof", daemon=True).start()
