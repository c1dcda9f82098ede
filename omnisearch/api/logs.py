"""The log of `serve`, on stderr: JSON lines, or readable lines on a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from omnisearch.api.record import current


def set_up_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Write entries of `level` and above to a stream, one line per entry."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Readable() if stream.isatty() else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("omnisearch").setLevel(level.upper())


class JsonLines(logging.Formatter):
    """An entry as a JSON object; JSON escapes control characters, so no entry can forge another one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of an entry."""
        return json.dumps(_entry(self, record), ensure_ascii=False, default=str)


class Readable(logging.Formatter):
    """An entry as time, level, message and fields; tracebacks follow on separate lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of an entry."""
        entry = _entry(self, record)
        time, level, message = entry.pop("time"), entry.pop("level"), entry.pop("message")
        entry.pop("logger")
        trace = entry.pop("traceback", "")
        fields = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in entry.items())
        return f"{time} {level} {_plain(message)}{fields}" + (f"\n{_plain(trace, keep=chr(10))}" if trace else "")


def _entry(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    if (request := current()) is not None:
        entry["request_id"] = request.request_id
    fields: dict[str, Any] = getattr(record, "fields", {})
    entry |= {name: value for name, value in fields.items() if value is not None}
    if record.exc_info:
        entry["traceback"] = formatter.formatException(record.exc_info)
    return entry


def _plain(text: str, keep: str = "") -> str:
    return "".join(c if c.isprintable() or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)
