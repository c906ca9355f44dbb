"""Events are recorded in order, and nobody waits for them."""

import asyncio

import pytest

from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.controller.rollouts import told_later
from resilience_operator.controller.rollouts.told_later import ToldLater
from resilience_operator.core.rollout.model import RolloutEvent
from tests.builders import make_policy


class Slow:
    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.gate = asyncio.Event()

    async def announce_rollout(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        await self.gate.wait()
        self.reasons.append(event.reason)


def say(later: ToldLater, *reasons: str) -> None:
    for reason in reasons:
        later.announce(make_policy().build(), RolloutEvent("Normal", reason, "…"))


async def test_in_order_and_in_the_background() -> None:
    slow = Slow()
    later = ToldLater(slow)
    say(later, "One", "Two")
    running = asyncio.ensure_future(later.run())
    await asyncio.sleep(0)
    say(later, "Three")
    assert slow.reasons == []
    slow.gate.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert slow.reasons == ["One", "Two", "Three"]
    running.cancel()


async def test_the_oldest_go_when_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(told_later, "MAX_WAITING", 2)
    slow = Slow()
    slow.gate.set()
    later = ToldLater(slow)
    say(later, "One", "Two", "Three")
    running = asyncio.ensure_future(later.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert slow.reasons == ["Two", "Three"]
    assert "never recorded" in caplog.text
    running.cancel()
