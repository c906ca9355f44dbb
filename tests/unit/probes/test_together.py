"""One piece of work, however many want it."""

import asyncio
import logging

import pytest

from resilience_operator.probes import tls
from resilience_operator.probes.together import Together


class Work:
    def __init__(self) -> None:
        self.begun = 0
        self.gate = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return self.begun


async def test_all_who_come_meanwhile_share_it_and_later_ones_begin_anew() -> None:
    together, work = Together[str, int](), Work()
    waiting = [asyncio.create_task(together.do("a", work)) for _ in range(10)]
    other = asyncio.create_task(together.do("b", work))
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert together.age("a") > 0 == together.age("c")
    work.gate.set()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert done[1:] == [2] * 9
    assert await other == 2
    assert await together.do("a", work) == 3


async def test_a_failure_is_everybodys_and_no_noise_when_they_have_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    together, work = Together[str, int](), Work()
    work.fault = ValueError("no")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await together.do("a", work)
    with caplog.at_level(logging.DEBUG, "asyncio"):
        work.gate.set()
        for _ in range(5):
            await asyncio.sleep(0)
    assert not caplog.records
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await together.do("a", work)
    assert work.begun == 3


async def test_a_context_is_built_once_for_all_the_probes_of_a_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = []
    build = tls._build
    monkeypatch.setattr(tls, "_build", lambda material: built.append(material) or build(material))
    contexts = tls.TlsContexts()
    got = await asyncio.gather(*(contexts.get(tls.TlsMaterial()) for _ in range(20)))
    assert len({id(context) for context in got}) == len(built) == 1
