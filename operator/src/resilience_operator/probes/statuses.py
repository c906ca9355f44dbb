"""What an HTTP status that was not hoped for says about a dependency."""

from typing import NoReturn

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import Unhealthy
from resilience_operator.probes.http_client import Answer


def raise_for(answer: Answer) -> NoReturn:
    """Raise the failure that the status means."""
    status = answer.status
    if status in (401, 403):
        raise Unhealthy(Reason.AUTH, f"HTTP {status}: access was refused.")
    if status == 429:
        raise Unhealthy(Reason.RATE_LIMITED, f"HTTP 429: rate limited{_retry_after(answer)}.")
    raise Unhealthy(Reason.BAD_STATUS, f"HTTP {status} is not an accepted status.")


def _retry_after(answer: Answer) -> str:
    """The wait that the server asks for. Nothing but digits of the header is ever shown."""
    value = answer.headers.get("Retry-After", "")
    return f", to be retried after {int(value)} s" if _is_short_number(value) else ""


def _is_short_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 6
