"""Why a request to the API server failed: worth another try, or not.

They live in core because both sides need them and neither may import the other: the client in
`kube` raises them, the actuators and the controller tell them apart. The client chains the cause
with `from`. `Conflict` and its kind carry the server's words for a condition's reason, hence names
without the usual suffix.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes` in the API server's answer."""

    reason: str = ""  # FieldManagerConflict, FieldValueInvalid …
    message: str = ""
    field: str = ""  # .data.DEGRADATION_LEVEL


class ApiError(Exception):
    """A request to the API server that did not do what was asked."""

    def __init__(
        self, message: str, *, code: int | None = None, causes: Iterable[Cause] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.causes = tuple(causes)


class TransientError(ApiError):
    """Worth another try: no connection, a timeout, 429 or a 5xx."""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        causes: Iterable[Cause] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, causes=causes)
        self.retry_after = retry_after


class TerminalError(ApiError):
    """The same request will fail again until somebody changes something."""


class Conflict(TerminalError):  # noqa: N818
    """409: somebody else owns a field, or the object has changed since it was read."""


class Forbidden(TerminalError):  # noqa: N818
    """401 or 403: the operator lacks a permission."""


class Invalid(TerminalError):  # noqa: N818
    """400, 413 or 422: the API server refuses the object."""


class NotFound(TerminalError):  # noqa: N818
    """404 where the object had to be there."""
