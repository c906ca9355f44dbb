"""Announces what happened to rollouts after the fact: no decision waits for an event to be written.

Events share the pace of all other writes; of many rollouts at once, each step has some. What is not
announced when the operator ends is lost, as it is with every event; the status says it all.
"""

import asyncio
import logging
from collections import deque
from typing import Protocol

from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.core.rollout.model import RolloutEvent

log = logging.getLogger(__name__)

MAX_WAITING = 5000


class Announcer(Protocol):
    """Records events, and tells those who want to be told."""

    async def announce_rollout(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        """Record one event; never raises."""


class ToldLater:
    """A queue in front of an announcer, in order; the oldest go when nobody listens."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._waiting: deque[tuple[ResiliencePolicy, RolloutEvent]] = deque(maxlen=MAX_WAITING)
        self._more = asyncio.Event()

    def announce(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        """Have one event recorded soon."""
        if len(self._waiting) == MAX_WAITING:
            log.warning("an event of a rollout was never recorded: too many are waiting")
        self._waiting.append((policy, event))
        self._more.set()

    async def run(self) -> None:
        """Record what is waiting, for ever."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                await self._announcer.announce_rollout(*self._waiting.popleft())
