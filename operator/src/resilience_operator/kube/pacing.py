"""How fast the operator may write: a token bucket, so that no storm of ours reaches the server."""

from typing import Protocol


class Clock(Protocol):
    """The part of the injected clock that this package needs."""

    def now(self) -> float:
        """Seconds since the epoch; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


class TokenBucket:
    """Lets `burst` through at once and `rate` a second after that, first come, first served.

    Kept as the one time at which the bucket would be full again, so there is nothing to refill.
    """

    def __init__(self, clock: Clock, rate: float, burst: int) -> None:
        self._clock = clock
        self._step = 1.0 / rate
        self._capacity = burst * self._step
        # Counted from here: as seconds since the epoch, small steps would round to nothing exact.
        self._origin = clock.now()
        self._full_at = 0.0

    async def take(self) -> None:
        """Wait for a token."""
        now = self._clock.now() - self._origin
        self._full_at = max(self._full_at, now) + self._step
        wait = self._full_at - now - self._capacity
        if wait > 0:
            await self._clock.sleep(wait)

    def try_take(self) -> bool:
        """Take a token if there is one."""
        now = self._clock.now() - self._origin
        full_at = max(self._full_at, now) + self._step
        # The tolerance is for the rounding of the clock.
        if full_at - now - self._capacity > 1e-6:
            return False
        self._full_at = full_at
        return True
