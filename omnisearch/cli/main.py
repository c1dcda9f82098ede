"""The `omnisearch` command: it turns errors into messages and exit codes."""

import os
import sys

from omnisearch.cli.commands import build
from omnisearch.cli.console import err
from omnisearch.cli.next_command import forget_flags
from omnisearch.errors import FAILED, INTERRUPTED, OmnisearchError

STDOUT = 1  # its descriptor
ANSWERING = ("search", "locate")  # commands that close everything before they return


def run() -> None:
    """Run the command line as the main program of a process.

    The commands ANSWERING end the process at once, because interpreter shutdown takes half a second with torch.
    """
    try:
        main()
    except SystemExit as stop:
        if _command() in ANSWERING and stop.code in (0, None):
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
        build(_command())()
    except OmnisearchError as error:
        err.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, a folder that may not be written to: it names the file
        err.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        # The reader of our output has closed it, as `| head` does. Typer and rich treat that as a failure; it is not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
        sys.exit(0)


def _command() -> str:
    return sys.argv[1] if len(sys.argv) > 1 else ""
