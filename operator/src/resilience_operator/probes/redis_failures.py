"""What went wrong with a Redis, from the library's exceptions to our closed set.

The text of an exception is the server's: it is matched on and never shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    InvalidResponse,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import ProbeFailure, Unhealthy
from resilience_operator.probes.failures import of_network

_BY_CODE = {
    "NOAUTH": (Reason.AUTH, "The server wants a password."),
    "WRONGPASS": (Reason.AUTH, "The user name or password was not accepted."),
    "NOPERM": (Reason.AUTH, "The user lacks the permission for PING or INFO."),
    "DENIED": (Reason.AUTH, "The server is in protected mode."),
    "LOADING": (Reason.REFUSED, "The server is still loading its data."),
    "BUSY": (Reason.REFUSED, "The server is busy with a script."),
    "MASTERDOWN": (Reason.LAG, "The replica's link to its master is down."),
    "READONLY": (Reason.READ_ONLY, "The server is read-only."),
    "MISCONF": (Reason.READ_ONLY, "The server takes no writes: it cannot save its data."),
    "OOM": (Reason.MEMORY, "The server is out of memory."),
}
_BY_TEXT = (
    ("max number of clients", Reason.REFUSED, "The server has reached its limit of clients."),
    ("invalid password", Reason.AUTH, "The user name or password was not accepted."),
    ("without any password", Reason.AUTH, "A password was given but the server has none."),
    ("no password is set", Reason.AUTH, "A password was given but the server has none."),
    ("db index", Reason.NOT_FOUND, "The server has no database of that number."),
)


@contextmanager
def explained() -> Iterator[None]:
    """Raise what fails within as our own failure; what is no failure of the server's, as it is."""
    try:
        yield
    except (RedisError, OSError, EOFError) as error:
        failure = of_error(error)
        if failure is None:
            raise
        raise failure from None


def of_error(error: Exception) -> ProbeFailure | None:
    """Say what an exception means; None when it is not about the server."""
    if not isinstance(error, RedisError):
        return of_network(error)
    if isinstance(error, InvalidResponse):
        return not_a_redis()
    if isinstance(error, ResponseError) or error.status_code is not None:
        return _of_reply(error)
    if not isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return None
    # The library hides the network's exceptions behind its own. One of its own with nothing
    # behind it is about an answer: not the one that the command has.
    hidden = error.__context__
    return not_a_redis() if hidden is None else of_network(hidden)


def not_a_redis() -> ProbeFailure:
    """The failure of a server that speaks another protocol."""
    return Unhealthy(Reason.PROTOCOL, "The server does not answer like a Redis.")


def _of_reply(error: RedisError) -> ProbeFailure:
    text = str(error)
    code = error.status_code or text.split(" ", 1)[0]
    if code in _BY_CODE:
        return Unhealthy(*_BY_CODE[code])
    for part, reason, sentence in _BY_TEXT:
        if part in text.lower():
            return Unhealthy(reason, sentence)
    return Unhealthy(Reason.QUERY, "The server answered a command with an error.")
