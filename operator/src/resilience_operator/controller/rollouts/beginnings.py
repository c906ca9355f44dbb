"""Lets many rollouts begin one soon after the other, not in one moment.

Every step lasts as long as its policy says, to the millisecond. Rollouts that begin in one moment
would have all their weights fall due together, step by step to the end, and the API server needs
seconds for hundreds of writes. A begin that is put off by a moment harms nobody; a weight that is
due and late is what a promise was broken by.
"""

from collections.abc import Hashable


class Beginnings:
    """Times at which rollouts may take their first step, so many a second."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1.0 / per_second
        self._next = 0.0  # the first time that is nobody's
        self._reserved: dict[Hashable, float] = {}

    def wait(self, key: Hashable, now: float) -> float | None:
        """None: it may begin. Else when to ask again; that time is kept for it."""
        at = self._reserved.get(key)
        if at is None:
            at = max(now, self._next)
            self._next = at + self._apart
            self._reserved[key] = at
        return None if at <= now else at

    def forget(self, key: Hashable) -> None:
        """It has begun, or does not want to any more."""
        self._reserved.pop(key, None)
