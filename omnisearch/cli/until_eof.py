"""End a process together with its parent, which holds the other end of its standard input."""

import os
import threading
from collections.abc import Callable


def on_eof(call: Callable[[], object]) -> None:
    """Call a function in a thread when standard input ends, which means that the parent has ended for any reason."""

    def watch() -> None:
        # Not through `sys.stdin`: a thread that waits inside it aborts the interpreter when the process ends first.
        while os.read(0, 4096):
            pass
        call()

    threading.Thread(target=watch, name="until-eof", daemon=True).start()
