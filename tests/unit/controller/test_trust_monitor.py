import asyncio
from contextlib import suppress

from resilience_operator.api.v1alpha1.policy_status import DependencyStatus, FailureReason
from resilience_operator.controller.trust_monitor import TrustMonitor, build_views
from resilience_operator.core.model import Trust
from resilience_operator.core.resumption import restore
from tests.builders import healthy, make_policy, unhealthy, unknown
from tests.unit.controller.fakes import Bench


class Sink:
    def __init__(self) -> None:
        self.trust: list[Trust] = []

    def trust_assessed(self, trust: Trust) -> None:
        self.trust.append(trust)


async def test_three_failures_of_the_control_probe_make_it_blind_and_one_success_ends_it() -> None:
    bench, sink, answers = Bench(), Sink(), [True, False, False, False, True]

    async def control() -> bool:
        return answers.pop(0) if answers else True

    task = asyncio.ensure_future(TrustMonitor(bench.store, sink, bench.clock, control).run())
    await bench.clock.advance(8)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert [trust.trusted for trust in sink.trust] == [True, True, True, False, True]
    assert sink.trust[3].reason == "ControlProbeFailed"


def test_only_what_this_process_measured_counts() -> None:
    bench = Bench()
    policy = make_policy()
    for name in ("up", "down", "unsure", "new", "remembered"):
        policy = policy.dependency(name, 1)
    entry = bench.store.put_policy(policy.build())
    bench.subscriptions.sync(entry)
    bench.deliver(healthy, "up")
    bench.deliver(unhealthy, "down")
    bench.deliver(unknown, "unsure")
    status = DependencyStatus(
        name="remembered", state="Down", health=0, failure_reason=FailureReason.TIMEOUT
    )
    entry.evidence["remembered"] = restore(status, bench.clock.now())
    assert {view.host.split(".")[0]: view.ok for view in build_views(bench.store)} == {
        "up": True, "down": False, "unsure": None, "new": None, "remembered": None,
    }  # fmt: skip
