"""The lag that is reported is the one that there was."""

import pytest

from resilience_operator.loop_lag import watch_loop


class Enough(Exception):  # noqa: N818
    """Ends the endless watch."""


async def test_each_wake_up_is_reported_with_its_lag() -> None:
    now = 0.0
    lags = iter([0.0, 0.75, -0.25])
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        lag = next(lags, None)
        if lag is None:
            raise Enough
        now += seconds + lag

    with pytest.raises(Enough):
        await watch_loop(found.append, interval=0.25, clock=lambda: now, sleep=sleep)
    assert found == [0.0, 0.75, 0.0]
