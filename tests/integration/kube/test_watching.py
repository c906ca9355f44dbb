import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.core.resources import CONFIG_MAPS, Resource
from resilience_operator.kube.client import KubeClient, Object
from resilience_operator.kube.watch import Change, Watcher
from tests.fakes.clock import FakeClock

OURS = "ours=yes"
Events = AsyncIterator[tuple[Change, Object]]


class NoPause(FakeClock):
    """Backs off in no time, and counts how often it did."""

    pauses = 0

    async def sleep(self, seconds: float) -> None:
        self.pauses += 1
        await asyncio.sleep(0)


class Story:
    """A watch, the errors it met and the events that came of it."""

    def __init__(self, client: KubeClient, namespace: str, clock: NoPause | None = None) -> None:
        self.errors: list[Exception] = []
        self.failure = asyncio.Event()
        self.watcher = Watcher(
            client, clock or NoPause(), CONFIG_MAPS, namespace, OURS, on_error=self.failed
        )
        self.events = self.watcher.events()

    def failed(self, resource: Resource, error: Exception) -> None:
        self.errors.append(error)
        self.failure.set()

    async def next(self, count: int) -> list[tuple[str, str]]:
        found = []
        for _ in range(count):
            change, item = await asyncio.wait_for(anext(self.events), 30)
            found.append((str(change), item["metadata"]["name"] if item else ""))
        return found


@pytest.fixture
async def story(client: KubeClient, namespace: str) -> AsyncIterator[Story]:
    story = Story(client, namespace)
    yield story
    await story.events.aclose()  # type: ignore[attr-defined]


@pytest.fixture
def create(
    client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
) -> Callable[..., object]:
    async def create(name: str, ours: str = "yes") -> None:
        await client.create(CONFIG_MAPS, namespace, make_config_map(name, {"ours": ours}))

    return create


async def test_what_there_is_then_what_happens(
    client: KubeClient, namespace: str, story: Story, create: Callable[..., object]
) -> None:
    await create("a")
    await create("theirs", ours="no")
    assert await story.next(2) == [("ADDED", "a"), ("SYNCED", "")]
    await create("b")
    await create("others", ours="no")
    await client.merge_patch(CONFIG_MAPS, namespace, "a", {"data": {"k": "v"}})
    await client.delete(CONFIG_MAPS, namespace, "b")
    assert await story.next(3) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    assert story.errors == []


async def test_a_version_that_is_too_old_is_listed_anew(
    control_plane: ControlPlane,
    client: KubeClient,
    namespace: str,
    story: Story,
    create: Callable[..., object],
) -> None:
    """A server that has just come up no longer knows what happened before: it answers 410."""
    await create("stays")
    await create("goes")
    await story.next(3)
    await client.delete(CONFIG_MAPS, namespace, "goes")
    await create("comes")
    await story.events.aclose()  # type: ignore[attr-defined]
    control_plane.stop_api_server()
    control_plane.start_api_server()
    story.events = story.watcher.events()
    assert await story.next(4) == [
        ("ADDED", "comes"),
        ("MODIFIED", "stays"),
        ("DELETED", "goes"),
        ("SYNCED", ""),
    ]
    await create("later")
    assert await story.next(1) == [("ADDED", "later")]
    assert story.errors == []


async def test_an_outage_of_the_api_server_is_survived_and_nothing_missed(
    control_plane: ControlPlane,
    client: KubeClient,
    story: Story,
    create: Callable[..., object],
) -> None:
    await create("a")
    await story.next(2)
    waiting = asyncio.create_task(story.next(1))
    await asyncio.to_thread(control_plane.stop_api_server)
    await asyncio.wait_for(story.failure.wait(), 30)
    # On this thread: the server would die with any other.
    control_plane.start_api_server()
    await create("b")
    seen = await waiting
    while ("ADDED", "b") not in seen:
        seen += await story.next(1)
    assert set(seen) <= {("MODIFIED", "a"), ("SYNCED", ""), ("ADDED", "b")}
