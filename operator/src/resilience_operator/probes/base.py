"""What every probe shares: its protocol, the reader of Secrets, and how it says what it found.

A probe works in two steps so that our failures and the dependency's stay apart. `prepare` turns
the Secrets into something that can be sent: all that goes wrong there is ours. The exchange that
it returns is the network part: it alone is timed, and it alone may say that the dependency fails.

Failures are raised with a sentence of our own; text that came from a server or a Secret is
never part of one.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Protocol

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core.model import Verdict

SecretValues = Mapping[str, Mapping[str, bytes]]
"""The data of each Secret that a probe refers to, by the Secret's name."""

Exchange = Callable[[], Awaitable[str]]
"""Asks the dependency once; returns a sentence for people, or raises `ProbeFailure`."""


class ProbeFailure(Exception):  # noqa: N818 - a finding, not a fault
    """Why a probe is not healthy: a reason of the closed set and a sentence of our own."""

    verdict: ClassVar[Verdict]

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Unhealthy(ProbeFailure):
    """The dependency fails."""

    verdict = Verdict.UNHEALTHY


class Unknowable(ProbeFailure):
    """We could not ask, which says nothing about the dependency."""

    verdict = Verdict.UNKNOWN


class SecretReader(Protocol):
    """Where Secrets come from."""

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """Return the decoded data of a Secret, or None when there is no such Secret."""
        ...


class Probe(Protocol):
    """One dependency asked by one protocol. Runs of the same probe may overlap."""

    secret_names: tuple[str, ...]

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Make an exchange from `secrets`, which holds every name in `secret_names`."""
        ...

    async def aclose(self) -> None:
        """Close what is kept open between runs."""
        ...
