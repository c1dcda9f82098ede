"""The server of the tools: the configured one, the running one of the data directory, or one started for them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from omnisearch.client.running import Server, find_server
from omnisearch.config import Settings, read_secret
from omnisearch.errors import NotReadyError
from omnisearch.inherited import child_environment

STOP_SECONDS = 10.0


@contextmanager
def running_server(settings: Settings) -> Iterator[Server]:
    """Yield a server, and stop it afterwards if it was started here.

    Raises:
        NotReadyError: no server could be started.
    """
    if settings.server is not None:
        yield Server(settings.server, read_secret(settings, "api_key"), settings.named_collection)
    elif (found := find_server(settings)) is not None:
        yield found
    else:
        with _started(settings) as server:
            yield server


@contextmanager
def _started(settings: Settings) -> Iterator[Server]:
    command = [sys.executable, "-m", "omnisearch", "serve", "--port", "0", "--until-eof"]
    environment = child_environment(settings)
    # It reads the end of its input when this process ends, even if it is killed.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            server = find_server(settings)
            if not line:
                raise NotReadyError(f"no server of {settings.data_dir} could be started: run `omnisearch serve`")
            if server is None:
                raise NotReadyError(
                    f"another server of {settings.data_dir} runs with other settings: stop it, give its settings, or "
                    "name its address with --server"
                )
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
