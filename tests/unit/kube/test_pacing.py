import asyncio

from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.kube.pacing import TokenBucket
from tests.fakes.clock import FakeClock


async def test_a_burst_goes_through_at_once_and_the_rest_at_the_rate() -> None:
    clock = FakeClock()
    start = clock.now()
    bucket = TokenBucket(clock, rate=10.0, burst=5)
    taken: list[float] = []

    async def take() -> None:
        await bucket.take()
        taken.append(round(clock.now() - start, 3))

    tasks = [asyncio.create_task(take()) for _ in range(8)]
    await clock.advance(2)
    assert taken == [0, 0, 0, 0, 0, 0.1, 0.2, 0.3]
    await asyncio.gather(*tasks)


async def test_it_fills_up_again_to_the_burst_and_no_further() -> None:
    clock = FakeClock()
    bucket = TokenBucket(clock, rate=10.0, burst=5)
    assert [bucket.try_take() for _ in range(6)] == [True] * 5 + [False]
    await clock.jump(0.1)
    assert [bucket.try_take() for _ in range(2)] == [True, False]
    await clock.jump(3600)
    assert [bucket.try_take() for _ in range(6)] == [True] * 5 + [False]


@given(st.floats(0.1, 1000), st.integers(1, 200))
def test_the_burst_is_exact_whatever_the_rate(rate: float, burst: int) -> None:
    bucket = TokenBucket(FakeClock(), rate, burst)
    assert [bucket.try_take() for _ in range(burst + 1)] == [True] * burst + [False]
