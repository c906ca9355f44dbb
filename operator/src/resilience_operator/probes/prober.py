"""The one entrance to every protocol: a probe's spec in, a `ProbeResult` out, never an exception.

It owns the probes that are in use (each may keep a connection), loads a protocol's library only
when the first probe of it runs, puts the deadline around the network part, and sees to it that a
Secret that was changed is read anew before an authentication failure, or a lack in it, is believed.
"""

import asyncio
import random
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Protocol, cast

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.api.v1alpha1.probes import (
    AnyProbe,
    HttpProbe,
    OpenAIProbe,
    PostgresProbe,
    RedisProbe,
    S3Probe,
    TcpProbe,
)
from resilience_operator.core.model import ProbeResult, Verdict
from resilience_operator.probes.base import (
    Exchange,
    Probe,
    ProbeFailure,
    SecretReader,
    SecretValues,
    Unhealthy,
    Unknowable,
)
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.secrets import CachedSecrets
from resilience_operator.probes.toolkit import Toolkit

MODULES: dict[type[AnyProbe], str] = {
    HttpProbe: "resilience_operator.probes.http",
    OpenAIProbe: "resilience_operator.probes.openai",
    PostgresProbe: "resilience_operator.probes.postgres",
    RedisProbe: "resilience_operator.probes.redis",
    S3Probe: "resilience_operator.probes.s3",
    TcpProbe: "resilience_operator.probes.tcp",
}


# What a Secret that was changed since it was read may already have mended.
_FAULTS_OF_A_SECRET = frozenset({FailureReason.AUTH, FailureReason.SECRET_INVALID})


OWN_SHARE = 0.2
"""A timeout of which we ourselves lost this much says nothing about the dependency."""


class ProbeModule(Protocol):
    """What the module of a protocol offers."""

    def build(self, spec: AnyProbe, kit: Toolkit) -> Probe:
        """Make a probe of that protocol."""
        ...


class InternalProbeError(Exception):
    """A fault in our own code, told by its type and place: its text may hold a Secret's value."""

    def __init__(self, fault: BaseException) -> None:
        self.kind = type(fault).__name__
        super().__init__(f"{self.kind} at {_place(fault)}")


class Prober:
    """Runs probes of every type."""

    def __init__(
        self,
        secrets: SecretReader,
        guard: AddressGuard,
        now: Callable[[], float],
        *,
        on_internal_error: Callable[[InternalProbeError], None],
        control_name: str | None = None,
        uniform: Callable[[], float] = random.random,
        lost: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`control_name` is a host name that resolves whenever our own resolver works.

        `lost` tells how many seconds our own event loop has lost so far.
        """
        self._now = now
        self._secrets = CachedSecrets(secrets, now, uniform=uniform)
        self._kit = Toolkit.of(guard, now, control_name)
        self._on_internal_error = on_internal_error
        self._lost = lost
        self._probes: dict[tuple[str, AnyProbe], Probe] = {}
        self._modules: dict[type[AnyProbe], ProbeModule] = {}

    async def probe(self, namespace: str, spec: AnyProbe, timeout_seconds: float) -> ProbeResult:
        """Ask once. Raises nothing but a cancellation of the caller's."""
        run = _Run()
        try:
            probe = await self._get(namespace, spec)
            message = await self._ask(namespace, probe, timeout_seconds, run)
        except ProbeFailure as failure:
            return self._result(run, failure.verdict, failure.message, failure.reason)
        except Exception as fault:  # noqa: BLE001 - the one place where our own faults end
            error = InternalProbeError(fault)
            self._on_internal_error(error)
            message = f"The operator's own code failed: {error.kind}."
            return self._result(run, Verdict.UNKNOWN, message, FailureReason.INTERNAL)
        return self._result(run, Verdict.HEALTHY, message, None)

    async def forget(self, namespace: str, spec: AnyProbe) -> None:
        """Close what a probe keeps open: nobody asks for it any more."""
        probe = self._probes.pop((namespace, spec), None)
        if probe is not None:
            await probe.aclose()

    def invalidate(self, namespace: str, name: str) -> None:
        """Read a Secret anew at its next use, because it is known to have changed."""
        self._secrets.invalidate(namespace, name)

    async def aclose(self) -> None:
        """Close everything."""
        probes, self._probes = list(self._probes.values()), {}
        for probe in probes:
            await probe.aclose()
        await self._kit.aclose()

    async def _get(self, namespace: str, spec: AnyProbe) -> Probe:
        probe = self._probes.get((namespace, spec))
        if probe is None:
            module = self._modules.get(type(spec)) or await self._load(type(spec))
            probe = self._probes.setdefault((namespace, spec), module.build(spec, self._kit))
        return probe

    async def _load(self, kind: type[AnyProbe]) -> ProbeModule:
        # In a thread: the first import of a protocol's library takes up to half a second.
        loaded = cast(ProbeModule, await asyncio.to_thread(import_module, MODULES[kind]))
        return self._modules.setdefault(kind, loaded)

    async def _ask(self, namespace: str, probe: Probe, timeout_seconds: float, run: "_Run") -> str:
        values = await self._secrets.values(namespace, probe.secret_names)
        try:
            return await self._exchange(probe, values, timeout_seconds, run)
        except ProbeFailure as failure:
            if failure.reason not in _FAULTS_OF_A_SECRET or not probe.secret_names:
                raise
            fresh = await self._secrets.reread(namespace, probe.secret_names)
            if fresh == values:
                raise
        return await self._exchange(probe, fresh, timeout_seconds, run)

    async def _exchange(
        self, probe: Probe, secrets: SecretValues, timeout_seconds: float, run: "_Run"
    ) -> str:
        """Ask once. Time that we had no processor for is not the dependency's."""
        ask = await probe.prepare(secrets, timeout_seconds)
        started, lost = perf_counter(), self._lost()
        try:
            return await _timed(ask, timeout_seconds)
        except ProbeFailure as failure:
            own = self._lost() - lost
            if failure.reason is not FailureReason.TIMEOUT or own < OWN_SHARE * timeout_seconds:
                raise
            message = f"This operator was too busy to wait for the answer: it lost {own:.1f} s."
            raise Unknowable(FailureReason.OVERLOADED, message) from None
        finally:
            took = perf_counter() - started - (self._lost() - lost)
            run.latency_ms = max(0.0, took) * 1000

    def _result(
        self, run: "_Run", verdict: Verdict, message: str, reason: FailureReason | None
    ) -> ProbeResult:
        return ProbeResult(
            verdict=verdict,
            at=self._now(),
            latency_ms=run.latency_ms,
            reason=reason,
            message=message[:256],
        )


class _Run:
    """How long the last exchange of one run took."""

    latency_ms = 0.0


async def _timed(ask: Exchange, timeout_seconds: float) -> str:
    try:
        async with asyncio.timeout(timeout_seconds):
            return await ask()
    except TimeoutError:
        raise Unhealthy(FailureReason.TIMEOUT, f"No answer within {timeout_seconds:g} s.") from None


def _place(fault: BaseException) -> str:
    """Where `fault` was raised, by module and line."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
