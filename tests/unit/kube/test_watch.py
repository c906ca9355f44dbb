"""What a real API server does too rarely to wait for; the rest is in the integration tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from resilience_operator.core.errors import Forbidden, TransientError
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.kube.errors import Gone
from resilience_operator.kube.watch import Watcher
from tests.fakes.clock import FakeClock

Event = tuple[str, dict[str, Any]]


def thing(name: str, version: str = "9") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "resourceVersion": version}}


class Script:
    """Takes the client's place: lists and watches go as the test has written them down."""

    def __init__(self, *steps: list[str] | list[Event] | Exception) -> None:
        self.steps = list(steps)
        self.calls: list[str] = []

    async def pages(self, *where: object) -> AsyncIterator[dict[str, Any]]:
        self.calls.append("list")
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        yield {"metadata": {"resourceVersion": "5"}, "items": [thing(str(n)) for n in step]}

    async def watch_from(
        self, resource: object, namespace: object, selector: object, version: str, seconds: int
    ) -> AsyncIterator[Event]:
        self.calls.append(f"watch {version}")
        if not self.steps:
            await asyncio.Event().wait()
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        for change, item in step:
            assert isinstance(item, dict)
            yield str(change), item


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def follow(clock: FakeClock) -> AsyncIterator[Callable[..., tuple[list[str], list[str]]]]:
    tasks = []

    def follow(script: Script) -> tuple[list[str], list[str]]:
        seen: list[str] = []
        errors: list[str] = []
        watcher = Watcher(
            script,  # type: ignore[arg-type]
            clock,
            CONFIG_MAPS,
            on_error=lambda resource, error: errors.append(type(error).__name__),
        )

        async def consume() -> None:
            async for change, item in watcher.events():
                seen.append(f"{change} {item['metadata']['name']}" if item else str(change))

        tasks.append(asyncio.create_task(consume()))
        return seen, errors

    yield follow
    for task in tasks:
        task.cancel()


async def test_bookmarks_are_where_the_next_watch_goes_on(
    clock: FakeClock, follow: Callable[..., tuple[list[str], list[str]]]
) -> None:
    script = Script(["a"], [("BOOKMARK", thing("", "77"))], [])
    seen, errors = follow(script)
    await clock.advance(1)
    assert script.calls == ["list", "watch 5", "watch 77", "watch 77"]
    assert seen == ["ADDED a", "SYNCED"]
    assert errors == []


async def test_an_error_in_the_stream_is_like_one_before_it(
    clock: FakeClock, follow: Callable[..., tuple[list[str], list[str]]]
) -> None:
    script = Script(
        ["a", "b"],
        [("ERROR", {"code": 410, "reason": "Expired"})],
        ["b", "c"],
        [("ERROR", {"code": 500, "message": "etcd"})],
        [("DELETED", thing("b"))],
    )
    seen, errors = follow(script)
    await clock.advance(10)
    assert seen == [
        "ADDED a",
        "ADDED b",
        "SYNCED",
        "MODIFIED b",
        "ADDED c",
        "DELETED a",
        "SYNCED",
        "DELETED b",
    ]
    assert script.calls == ["list", "watch 5", "list", "watch 5", "watch 5", "watch 9"]
    assert errors == ["TransientError"], "a version that is too old is no error"


async def test_what_vanished_in_several_relists_is_told_once(
    clock: FakeClock, follow: Callable[..., tuple[list[str], list[str]]]
) -> None:
    seen, _ = follow(Script(["a"], Gone("old"), [], Gone("old"), []))
    await clock.advance(10)
    assert seen == ["ADDED a", "SYNCED", "DELETED a", "SYNCED", "SYNCED"]


async def test_it_tries_for_ever_more_and_more_slowly(
    clock: FakeClock, follow: Callable[..., tuple[list[str], list[str]]]
) -> None:
    script = Script(*[Forbidden("no role yet")] * 20, ["a"])
    seen, errors = follow(script)
    await clock.advance(60)
    assert 5 <= len(errors) <= 9
    await clock.advance(600)
    assert seen == ["ADDED a", "SYNCED"]
    assert errors == ["Forbidden"] * 20


async def test_a_server_that_asks_for_patience_gets_it(
    clock: FakeClock, follow: Callable[..., tuple[list[str], list[str]]]
) -> None:
    script = Script(TransientError("busy", retry_after=20.0), ["a"])
    seen, _ = follow(script)
    await clock.advance(19)
    assert seen == []
    await clock.advance(2)
    assert seen == ["ADDED a", "SYNCED"]
