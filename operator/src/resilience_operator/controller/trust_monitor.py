"""Asks again and again whether the probes can be believed, over the targets of all policies.

One look at everything every few seconds, not one at each result: the answer concerns all policies,
and costs as much as there are targets.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from resilience_operator.controller.store import Store
from resilience_operator.core.model import Evidence, Trust, Verdict
from resilience_operator.core.trust import TargetView, assess
from resilience_operator.runtime.clock import Clock

INTERVAL_SECONDS = 2.0
CONTROL_FAILURES = 3

Control = Callable[[], Awaitable[bool]]
"""The control probe: whether something that is known to be up can be reached."""


class CurrentTrust:
    """What is believed at the moment, for everybody who has to know."""

    def __init__(self) -> None:
        self._trust = Trust()

    def get(self) -> Trust:
        """The trust last assessed."""
        return self._trust

    def put(self, trust: Trust) -> bool:
        """Take in an assessment; whether it says anything new."""
        changed, self._trust = trust != self._trust, trust
        return changed


class TrustSink(Protocol):
    """Who is told."""

    def trust_assessed(self, trust: Trust) -> None:
        """Whether probes are believed at this moment."""


class TrustMonitor:
    """Assesses trust at an interval; `control` is None where none is configured."""

    def __init__(
        self, store: Store, sink: TrustSink, clock: Clock, control: Control | None = None
    ) -> None:
        self._store = store
        self._sink = sink
        self._clock = clock
        self._control = control
        self._failed = 0

    async def run(self) -> None:
        """Assess until cancelled."""
        while True:
            await self._ask_control()
            trust = assess(
                build_views(self._store), self._failed < CONTROL_FAILURES, self._clock.now()
            )
            self._sink.trust_assessed(trust)
            await self._clock.sleep(INTERVAL_SECONDS)

    async def _ask_control(self) -> None:
        if self._control is not None:
            self._failed = 0 if await self._control() else self._failed + 1


def build_views(store: Store) -> list[TargetView]:
    """Every probed target as the trust assessment sees it."""
    return [
        TargetView(
            host=target.endpoint,
            namespace=target.namespace,
            ok=_ok(entry.evidence[name]),
            changed_at=entry.evidence[name].since or 0.0,
        )
        for entry in store.entries()
        for name, target in entry.probes.items()
    ]


def _ok(evidence: Evidence) -> bool | None:
    measured = evidence.window.samples  # by this process; what a restart remembers is no answer
    if not measured or evidence.last is None or evidence.last.verdict is Verdict.UNKNOWN:
        return None
    return evidence.last.verdict is Verdict.HEALTHY
