import asyncio

import pytest

from resilience_operator.leading import can_connect, run_until_first_ends


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def test_the_first_part_to_fail_takes_the_others_down() -> None:
    async def fail() -> None:
        raise ValueError("a fault")

    ended: list[str] = []
    with pytest.raises(ValueError, match="a fault"):
        await run_until_first_ends([forever(ended), forever(ended), fail()])
    assert ended == ["cancelled", "cancelled"]


async def test_a_part_that_returns_is_a_failure_too() -> None:
    ended: list[str] = []
    with pytest.raises(RuntimeError, match="ended"):
        await run_until_first_ends([forever(ended), asyncio.sleep(0)])
    assert ended == ["cancelled"]


async def test_cancelling_cancels_all_parts() -> None:
    ended: list[str] = []
    task = asyncio.ensure_future(run_until_first_ends([forever(ended), forever(ended)]))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled", "cancelled"]


async def test_the_control_probe_connects() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await can_connect("127.0.0.1", port)
    server.close()
    await server.wait_closed()
    assert not await can_connect("127.0.0.1", port)
