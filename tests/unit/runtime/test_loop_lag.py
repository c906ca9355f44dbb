"""The lag that is reported is the one that there was."""

import pytest

from resilience_operator.runtime.loop_lag import LoopLag


class Enough(Exception):  # noqa: N818
    """Ends the endless watch."""


async def test_each_wake_up_is_reported_with_its_lag() -> None:
    now = 0.0
    lags = iter([0.0, 0.75, -0.25])
    found: list[float] = []
    lost_on_waking: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        lag = next(lags, None)
        if lag is None:
            raise Enough
        now += seconds + lag
        lost_on_waking.append(watched.lost())

    watched = LoopLag(found.append, interval=0.25, clock=lambda: now, sleep=sleep)
    assert watched.lost() == 0.0
    with pytest.raises(Enough):
        await watched.watch()
    assert found == [0.0, 0.75, 0.0]
    assert lost_on_waking == [0.0, 0.75, 0.75]  # what is late just now counts, and counts once
    assert watched.lost() == 0.75
