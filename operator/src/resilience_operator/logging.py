"""Log lines: JSON on stderr, one object a line, with the fields that the call gave as `extra`.

Nothing secret is ever passed to a logger, so nothing is filtered here; `tests/no_secrets.py` holds
what is written to that.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter


class LogFormat(StrEnum):
    """For machines or for a terminal."""

    JSON = "json"
    PLAIN = "plain"


# What these say at INFO is per request or per object; at 10,000 policies that is all one would see.
_NOISY = ("kopf", "aiohttp.access", "asyncio", "kubernetes", "urllib3", "botocore")

AUDIT = "resilience_operator.audit"
"""The logger of the audit log, which is written at any level."""


def configure(level: str = "INFO", format: LogFormat = LogFormat.JSON) -> None:
    """Send all records to stderr in that format; replaces whatever was set up before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(build_formatter(format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # It warns at each start that it leaves signals alone in our thread, which is as it should be.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def build_formatter(format: LogFormat) -> logging.Formatter:
    """How a record becomes a line."""
    if format is LogFormat.PLAIN:
        return logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    return _Json(
        ["asctime", "levelname", "name", "message"],
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        json_ensure_ascii=False,
    )


def place_of(error: BaseException) -> str:
    """The kind of an exception and the line it came from, without its text.

    A library's message may quote what it was given, a connection string for one.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"


class _Json(JsonFormatter):
    """Times as RFC 3339 in UTC, to the millisecond."""

    def formatTime(  # noqa: N802  the standard library's name
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
