"""Which of the errors in `core.errors` an answer stands for, and two that only a client meets.

Messages are the API server's own and name objects and fields; they carry no object's content.
"""

# ruff: noqa: N818 - these are Kubernetes' own words for them

import json
import re
from collections.abc import Mapping
from typing import Any

from resilience_operator.core.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TerminalError,
    TransientError,
)

_MANAGER = re.compile(r'conflict with "([^"]+)"')
_MESSAGE_LIMIT = 500


class Unauthorized(TransientError):
    """401: a credential that has just run out is read again before the next attempt."""


class Gone(TransientError):
    """410: that version, or that page token, is too old; list again."""


def from_answer(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error that an answer other than 2xx stands for."""
    details = _status_object(body)
    reason = str(details.get("reason") or "")
    message = str(details.get("message") or f"the API server answered {status}")[:_MESSAGE_LIMIT]
    if status == 409:
        causes = _causes(details)
        managers = (m[1] for cause in causes if (m := _MANAGER.search(cause.get("message", ""))))
        return Conflict(
            message,
            reason=reason or "Conflict",
            managers=tuple(dict.fromkeys(managers)),
            fields=tuple(cause.get("field", "") for cause in causes),
        )
    if status in _TERMINAL:
        return _TERMINAL[status](message, status=status, reason=reason)
    if 400 <= status < 500 and status not in _TRANSIENT:
        return TerminalError(message, status=status, reason=reason)
    kind = _TRANSIENT.get(status, TransientError)
    return kind(message, status=status, reason=reason, retry_after=_retry_after(details, headers))


_TERMINAL: Mapping[int, type[TerminalError]] = {
    400: Invalid,
    403: Forbidden,
    404: NotFound,
    422: Invalid,
}
_TRANSIENT: Mapping[int, type[TransientError]] = {
    401: Unauthorized,
    408: TransientError,
    410: Gone,
    429: TransientError,
}


def _status_object(body: bytes) -> Mapping[str, Any]:
    """The `Status` in a body; something in between (a proxy) may have answered with another."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _causes(details: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return list((details.get("details") or {}).get("causes") or ())


def _retry_after(details: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    asked = headers.get("Retry-After") or (details.get("details") or {}).get("retryAfterSeconds")
    try:
        return float(asked) if asked else None
    except ValueError:  # the other form of the header, a date
        return None
