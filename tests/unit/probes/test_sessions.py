"""The session that is kept between runs."""

import pytest

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import Unhealthy
from resilience_operator.probes.sessions import KeptSession


class Service:
    """Sessions are numbers; those in `broken` fail."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed: list[int] = []
        self.used: list[int] = []
        self.broken: set[int] = set()
        self.kept = KeptSession[int](self.closed.append)

    async def dial(self) -> int:
        self.opened += 1
        return self.opened

    async def use(self, session: int) -> str:
        self.used.append(session)
        if session in self.broken:
            raise Unhealthy(Reason.RESET, "cut")
        return f"session {session}"

    async def run(self, credentials: str = "c") -> str:
        return await self.kept.run(credentials, self.dial, self.use)


async def test_it_is_kept() -> None:
    service = Service()
    assert [await service.run() for _ in range(3)] == ["session 1"] * 3
    assert service.closed == []


async def test_a_failure_on_a_kept_session_is_confirmed_on_a_new_one() -> None:
    service = Service()
    await service.run()
    service.broken = {1}
    assert await service.run() == "session 2"
    assert service.closed == [1]
    service.broken = {2, 3}
    with pytest.raises(Unhealthy):
        await service.run()
    assert service.closed == [1, 2, 3]
    assert await service.run() == "session 4"


async def test_a_failure_on_a_new_session_stands() -> None:
    service = Service()
    service.broken = {1}
    with pytest.raises(Unhealthy):
        await service.run()
    assert service.used == [1]
    assert service.closed == [1]


async def test_other_credentials_get_another_session() -> None:
    service = Service()
    await service.run("old")
    assert await service.run("new") == "session 2"
    assert service.closed == [1]


async def test_runs_that_overlap_never_share() -> None:
    service = Service()
    await service.run()

    async def use(session: int) -> str:
        inner = await service.run()
        return f"{session} around {inner}"

    assert await service.kept.run("c", service.dial, use) == "1 around session 2"
    assert service.closed == [1]


async def test_nothing_is_kept_after_close() -> None:
    service = Service()
    await service.run()
    service.kept.close()
    assert service.closed == [1]
    await service.run()
    assert service.closed == [1, 2]
