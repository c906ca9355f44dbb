"""The probe pool's records: a probe that several may share, and each one's share of it."""

import asyncio
from collections.abc import Hashable

from resilience_operator.runtime.probing import ProbeTarget, Subscriber
from resilience_operator.runtime.scheduler import fraction


class SharedProbe:
    """One probe, for however many subscriptions."""

    __slots__ = (
        "closing",
        "endpoint",
        "fraction",
        "started",
        "subscriptions",
        "target",
        "task",
        "waiting_since",
    )

    def __init__(self, target: ProbeTarget) -> None:
        key = target.key
        self.target = target
        self.endpoint = target.endpoint
        # Its place in any interval.
        self.fraction = fraction(f"{key.namespace}/{key.type}/{key.digest}")
        self.subscriptions: dict[Hashable, Subscription] = {}
        self.started: float | None = None  # the last time
        self.task: asyncio.Task[None] | None = None  # while it is in flight
        self.closing: asyncio.Task[None] | None = None  # while the prober forgets it
        self.waiting_since: float | None = None  # due, but its endpoint has no slot left

    @property
    def free(self) -> bool:
        """Whether it may be scheduled."""
        return self.task is None and self.closing is None and self.waiting_since is None

    def timeout(self) -> float:
        """The longest that any subscription allows."""
        return max(s.timeout for s in self.subscriptions.values())

    def due(self) -> float:
        """The earliest that any subscription wishes for."""
        return min(s.due for s in self.subscriptions.values())


class Subscription:
    """One subscriber's share of a probe."""

    __slots__ = ("due", "interval", "probe", "subscriber", "timeout")

    def __init__(
        self, probe: SharedProbe, target: ProbeTarget, subscriber: Subscriber, due: float
    ) -> None:
        self.probe = probe
        self.subscriber = subscriber
        self.interval = target.interval_seconds
        self.timeout = target.timeout_seconds
        self.due = due
