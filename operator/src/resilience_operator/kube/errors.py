"""What can go wrong with a request: transient (try again later) and terminal (it is no use).

Messages are the API server's own and name objects and fields; they carry no object's content.
"""

# ruff: noqa: N818 - these are Kubernetes' own words for them

import json
import re
from collections.abc import Mapping
from typing import Any

_MANAGER = re.compile(r'conflict with "([^"]+)"')
_MESSAGE_LIMIT = 500


class KubeError(Exception):
    """A request that did not succeed. `status` is 0 when no answer came."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class TransientError(KubeError):
    """No answer, an overloaded server or a broken one: the same request may succeed later."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, reason=reason)
        self.retry_after = retry_after


class Unauthorized(TransientError):
    """401: a credential that has just run out is read again before the next attempt."""


class Gone(TransientError):
    """410: that version, or that page token, is too old; list again."""


class TerminalError(KubeError):
    """The same request will fail again; somebody has to change something."""


class Conflict(TerminalError):
    """409: it exists already, has changed meanwhile, or other field managers own what we set."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 409,
        reason: str = "Conflict",
        managers: tuple[str, ...] = (),
        fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, status=status, reason=reason)
        self.managers = managers
        self.fields = fields

    @property
    def exists(self) -> bool:
        """Whether the object to be created is there already."""
        return self.reason == "AlreadyExists"


class Forbidden(TerminalError):
    """403: our role does not allow it, or an admission policy refused it."""


class Invalid(TerminalError):
    """400 or 422: the object does not pass validation."""


class NotFound(TerminalError):
    """404: the object, its namespace or its kind is not there."""


def from_answer(status: int, body: bytes, headers: Mapping[str, str]) -> KubeError:
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
