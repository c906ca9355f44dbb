"""The whole chain from the probe pool to the next due time, as `Leader` wires it.

ProbePool -> Prober -> guard -> protocol -> a real server -> Subscriptions.deliver -> observe and
assess -> next_probe_at. There is no workqueue behind it: steady evidence would leave it idle.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.probes import ProbeSpec
from resilience_operator.controller.store import Store
from resilience_operator.controller.subscriptions import Subscriptions
from resilience_operator.core.model import Key
from resilience_operator.metrics.reports import Reports
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.prober import Prober
from resilience_operator.runtime.clock import SystemClock
from resilience_operator.runtime.pool import ProbePool
from tests.builders import REFERENCE_WEIGHTS, make_policy

NAMESPACE = "bench"
_TOLERATED = 0.02
MakeProbe = Callable[[int], ProbeSpec]


@dataclass(frozen=True)
class Load:
    """`probes` different probes, in policies of four; `shared_by` policies watch the same four."""

    kind: str
    make_probe: MakeProbe
    probes: int
    shared_by: int = 1
    secrets: Mapping[str, bytes] | None = None


class _Secrets:
    def __init__(self, data: Mapping[str, bytes] | None) -> None:
        self._data = data

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        return self._data


class _Queue:
    def add(self, key: Key) -> None:
        """A pass over the policy would follow."""


class Chain:
    """A running chain; counts what came back."""

    def __init__(self, load: Load, concurrency: int) -> None:
        self._load = load
        self._reports = Reports()
        self._clock = SystemClock()
        self._prober = Prober(
            _Secrets(load.secrets),
            AddressGuard(allow=["127.0.0.0/8"]),
            self._clock.now,
            on_internal_error=self._reports.internal_probe_error,
        )
        self.pool = ProbePool(self._prober, self._clock, self._reports, max_in_flight=concurrency)
        self._subscribe()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe while the block runs."""
        task = asyncio.ensure_future(self.pool.run())
        try:
            yield
        finally:
            self.pool.stop()
            await task
            await self._prober.aclose()

    def finished(self) -> int:
        """Probes that found their target healthy.

        Raises when others are more than a few: on a busy machine some run into their timeout.
        """
        healthy, others = 0, 0
        for metric in self._reports.registry.collect():
            if metric.name != "resilience_probe_results":
                continue
            for sample in metric.samples:
                if not sample.name.endswith("_total"):
                    continue
                if sample.labels["verdict"] == "Healthy":
                    healthy += int(sample.value)
                else:
                    others += int(sample.value)
        if others > _TOLERATED * (healthy + others):
            raise RuntimeError(f"{others} of {healthy + others} probes fail")
        return healthy

    def _subscribe(self) -> None:
        store = Store()
        subscriptions = Subscriptions(store, self.pool, _Queue(), self._clock)
        for policy in _policies(self._load):
            subscriptions.sync(store.put_policy(policy))


def _policies(load: Load) -> Iterator[ResiliencePolicy]:
    names = list(REFERENCE_WEIGHTS.items())
    for group in range(load.probes // len(names)):
        probes = [load.make_probe(group * len(names) + i) for i in range(len(names))]
        for copy in range(load.shared_by):
            builder = make_policy().named(f"policy-{group}-{copy}", NAMESPACE)
            for (name, weight), probe in zip(names, probes, strict=True):
                builder = builder.dependency(name, weight, probe=probe)
            yield builder.build()
