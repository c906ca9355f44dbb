"""Why a request to the API server failed: worth another try, or not.

They live in core because both sides need them and neither may import the other: the client in
`kube` raises them, the actuators and the controller tell them apart. Messages are the API server's
own and name objects and fields; they carry no object's content.
"""

# ruff: noqa: N818 - these are Kubernetes' own words for them


class ApiError(Exception):
    """A request that did not do what was asked. `status` is 0 when no answer came."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason


class TransientError(ApiError):
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


class TerminalError(ApiError):
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
