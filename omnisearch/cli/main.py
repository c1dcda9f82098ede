"""The `omnisearch` command: it turns errors into messages and exit codes."""

import gc
import inspect
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from omnisearch.cli.console import err
from omnisearch.cli.entry_points import own_command
from omnisearch.cli.kept_flags import forget_flags
from omnisearch.cli.plain import parse_plainly
from omnisearch.errors import FAILED, INTERRUPTED, OmnisearchError

STDOUT = 1  # its descriptor
CLOSING = ("index", "search", "locate")  # commands that close everything before they return


def run() -> None:
    """Run the command line as the main program of a process.

    The commands CLOSING end the process at once, because interpreter shutdown takes half a second with torch.
    """
    gc.disable()  # imports make many objects and hardly any garbage; `_resume_collection` ends the pause
    try:
        main()
    except SystemExit as stop:
        if _command() in CLOSING and stop.code in (0, None):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        raise


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 failed, 2 usage, 3 done but some files failed, 4 not ready, 130 interrupted.
    """
    # Waiting threads must sleep, because spinning threads take the decoders' cores. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    forget_flags()
    try:
        if _run_plainly(_command(), sys.argv[2:]):
            sys.exit(0)
        from omnisearch.cli.commands import build

        app = build(_command())
        _resume_collection()
        app()
    except OmnisearchError as error:
        err.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _end_without_reader()
    except OSError as error:  # a full disk, a folder that may not be written to: it names the file
        err.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        _end_without_reader()


def _run_plainly(name: str, words: Sequence[str]) -> bool:
    """Run a command without typer, which takes 0.2 s to import and to parse a line; False if typer must run it."""
    command = own_command(name)
    if not inspect.isfunction(command) or (values := parse_plainly(command, words)) is None:
        return False
    _resume_collection()
    command(**values)
    return True


def _resume_collection() -> None:
    """Collect garbage again, but not among the objects that exist now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _end_without_reader() -> NoReturn:
    """Exit with 0. The reader of our output has closed it, as `| head` does; typer and rich exit with 1 then."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
    sys.exit(0)


def _command() -> str:
    return sys.argv[1] if len(sys.argv) > 1 else ""
