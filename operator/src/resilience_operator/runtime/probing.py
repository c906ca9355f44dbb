"""What the probe pool is given and what it talks to: its targets and its three counterparts."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from resilience_operator.api.v1alpha1.probes import AnyProbe
from resilience_operator.core.model import ProbeKey, ProbeResult


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """What to probe, how long to wait for the answer and how often to ask."""

    key: ProbeKey
    namespace: str
    probe: AnyProbe
    timeout_seconds: float
    interval_seconds: float
    # The host and port that the probe loads; kept, as it is asked for again and again.
    endpoint: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", _endpoint(self))


class Prober(Protocol):
    """Carries out probes."""

    async def probe(self, namespace: str, spec: AnyProbe, timeout_seconds: float) -> ProbeResult:
        """Ask once, within the timeout. To raise is a bug of ours, not a verdict."""
        ...

    async def forget(self, namespace: str, spec: AnyProbe) -> None:
        """Let go of whatever is kept for that probe; nobody wants it any more."""
        ...


class Subscriber(Protocol):
    """Takes results."""

    def deliver(self, subscription: Hashable, result: ProbeResult) -> float:
        """Take one result, quickly; return when this subscriber wants its next (epoch seconds)."""
        ...


class PoolObserver(Protocol):
    """Hears what the pool does, for metrics and logs. Must not raise."""

    def probe_started(self, probe_type: str, lag_seconds: float) -> None:
        """A probe of that type went out, so many seconds after it was due."""
        ...

    def probe_finished(
        self, key: ProbeKey, result: ProbeResult, served: Collection[Hashable]
    ) -> None:
        """A probe came back, for those subscriptions."""
        ...

    def prober_failed(self, key: ProbeKey, error: BaseException) -> None:
        """Our own code failed while it probed; subscribers get an Unknown."""
        ...

    def subscriber_failed(self, error: Exception) -> None:
        """A subscriber raised while it took a result."""
        ...


def _endpoint(target: ProbeTarget) -> str:
    """As far as its spec tells.

    An address that is kept in a Secret is not known here; such a probe is an endpoint by itself.
    """
    for option in ("address", "url", "base_url", "endpoint"):
        if address := getattr(target.probe, option, None):
            return _host_and_port(str(address))
    return f"{target.namespace}/{target.key.digest}"


def _host_and_port(address: str) -> str:
    try:
        return urlsplit(address).netloc or address
    except ValueError:  # what is no URL is an endpoint by itself, and its probe will say so
        return address
