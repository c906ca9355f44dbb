"""A prober, subscribers and an observer that a test can steer and look into."""

import asyncio
from collections import Counter
from collections.abc import Collection, Hashable

from resilience_operator.api.v1alpha1.probes import AnyProbe, TcpProbe
from resilience_operator.core.model import ProbeKey, ProbeResult, Verdict
from resilience_operator.runtime.probing import ProbeTarget
from tests.fakes.clock import FakeClock


def make_target(
    name: str,
    interval: float = 10.0,
    timeout: float = 3.0,
    endpoint: str | None = None,
    namespace: str = "shop",
) -> ProbeTarget:
    return ProbeTarget(
        key=ProbeKey(namespace, "tcp", name),
        namespace=namespace,
        probe=TcpProbe(address=endpoint or f"{name}:80"),
        timeout_seconds=timeout,
        interval_seconds=interval,
    )


class FakeProber:
    """Answers Healthy after `seconds`; addresses in `hanging` never, those in `broken` raise."""

    def __init__(self, clock: FakeClock, seconds: float = 0.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.hanging: set[str] = set()
        self.broken: dict[str, BaseException] = {}
        self.starts: dict[str, list[float]] = {}
        self.timeouts: list[float] = []
        self.forgotten: list[str] = []
        self.out: Counter[str] = Counter()
        self.most_out = 0
        self.forgetting: asyncio.Event | None = None

    async def probe(self, namespace: str, spec: AnyProbe, timeout_seconds: float) -> ProbeResult:
        assert isinstance(spec, TcpProbe)
        address = spec.address
        self.starts.setdefault(address, []).append(self.clock.now())
        self.timeouts.append(timeout_seconds)
        self.out[address] += 1
        self.most_out = max(self.most_out, self.out.total())
        try:
            if address in self.broken:
                raise self.broken[address]
            if address in self.hanging:
                await asyncio.Event().wait()
            if self.seconds:
                await self.clock.sleep(self.seconds)
            return ProbeResult(Verdict.HEALTHY, self.clock.now(), self.seconds * 1000)
        finally:
            self.out[address] -= 1

    async def forget(self, namespace: str, spec: AnyProbe) -> None:
        assert isinstance(spec, TcpProbe)
        self.forgotten.append(spec.address)
        if self.forgetting is not None:
            await self.forgetting.wait()


class FakeSubscriber:
    """Wants its next result `wait` seconds after each; raises what is in `failures` instead."""

    def __init__(self, wait: float = 10.0) -> None:
        self.wait = wait
        self.results: list[tuple[Hashable, ProbeResult]] = []
        self.failures: list[Exception] = []

    def deliver(self, subscription: Hashable, result: ProbeResult) -> float:
        self.results.append((subscription, result))
        if self.failures:
            raise self.failures.pop(0)
        return result.at + self.wait

    @property
    def times(self) -> list[float]:
        return [result.at for _, result in self.results]


class FakeObserver:
    """Remembers everything."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.finished: list[tuple[ProbeKey, ProbeResult]] = []
        self.served: list[tuple[Hashable, ...]] = []
        self.prober_failures: list[BaseException] = []
        self.subscriber_failures: list[Exception] = []

    def probe_started(self, probe_type: str, lag_seconds: float) -> None:
        self.lags.append(lag_seconds)

    def probe_finished(
        self, key: ProbeKey, result: ProbeResult, served: Collection[Hashable]
    ) -> None:
        self.finished.append((key, result))
        self.served.append(tuple(served))

    def prober_failed(self, key: ProbeKey, error: BaseException) -> None:
        self.prober_failures.append(error)

    def subscriber_failed(self, error: Exception) -> None:
        self.subscriber_failures.append(error)
