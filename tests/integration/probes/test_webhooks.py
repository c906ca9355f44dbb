"""Webhooks: bodies and signatures as they arrive, retries, bounds, and nothing told of the URL."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import web

from resilience_operator.api.v1alpha1.notifications import Notification, NotificationTopic
from resilience_operator.core.notifications import NotificationMessage, signature_of
from resilience_operator.probes import webhooks as module
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.secrets import CachedSecrets
from resilience_operator.probes.toolkit import Toolkit
from resilience_operator.probes.webhooks import ATTEMPTS, Webhooks
from tests.integration.probes.stubs import http_server

KEY = b"key"
HIDDEN = "T0KEN"


class Receiver:
    """What arrived; answers by the list, then with 200."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.hold: asyncio.Event | None = None
        self.arrived = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.headers.append(request.headers)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        status = self.answers.pop(0) if self.answers else 200
        headers = {"Retry-After": "7", "Location": "/elsewhere"}
        return web.Response(status=status, headers=headers)


class Bench:
    def __init__(self, guard: AddressGuard) -> None:
        self.secrets: dict[str, dict[str, bytes]] = {}
        self.kit = Toolkit.of(guard, lambda: 0.0, "localhost")
        self.pauses: list[float] = []
        self.webhooks = Webhooks(
            self.kit, CachedSecrets(self, lambda: 0.0), sleep=self.pause, uniform=lambda: 0.5
        )

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        assert namespace in ("retail", "bank")
        return self.secrets.get(name)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def point_at(self, port: int, name: str = "hook") -> None:
        url = f"http://127.0.0.1:{port}/{HIDDEN}\n"
        self.secrets[name] = {"url": url.encode(), "key": KEY + b"\n"}

    async def send(
        self,
        text: str = "Down.",
        *,
        name: str = "hook",
        form: str = "JSON",
        namespace: str = "retail",
    ) -> None:
        spec = {
            "name": name,
            "format": form,
            "urlSecretRef": {"name": name, "key": "url"},
            "signingSecretRef": {"name": name, "key": "key"},
            "topics": ["Level"],
        }
        await self.webhooks.send(namespace, Notification.model_validate(spec), message(text))

    async def close(self) -> None:
        await self.webhooks.aclose()
        await self.kit.aclose()


def message(text: str, topic: NotificationTopic = NotificationTopic.LEVEL) -> NotificationMessage:
    return NotificationMessage(topic, "retail", "inventario", "LevelDropped", text, 1000.0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench(AddressGuard(allow=["127.0.0.0/8"]))
    yield bench
    await bench.close()


async def test_delivered_and_signed(bench: Bench) -> None:
    receiver = Receiver()
    async with http_server(receiver) as port:
        bench.point_at(port)
        await bench.send()
        await bench.send(form="Slack")
        await bench.webhooks.drain()
    assert b'"text":"Down."' in receiver.bodies[0]
    assert receiver.bodies[1] == b'{"text":"*retail/inventario* LevelDropped: Down."}'
    for body, headers in zip(receiver.bodies, receiver.headers, strict=True):
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Resilience-Signature"] == signature_of(body, KEY)
        assert headers["X-Resilience-Timestamp"] == "1000"
    assert bench.webhooks.counts == {"delivered": 2, "failed": 0, "dropped": 0}


async def test_topics(bench: Bench) -> None:
    spec = {"name": "hook", "urlSecretRef": {"name": "hook", "key": "url"}, "topics": ["Level"]}
    rollout = message("x", NotificationTopic.ROLLOUT)
    await bench.webhooks.send("retail", Notification.model_validate(spec), rollout)
    await bench.webhooks.drain()
    assert bench.webhooks.counts.total() == 0


async def test_tried_again_with_growing_pauses_and_in_order(bench: Bench) -> None:
    receiver = Receiver(500, 429)
    async with http_server(receiver) as port:
        bench.point_at(port)
        await bench.send("one")
        await bench.send("two")
        await bench.webhooks.drain()
    assert [b"one" in body for body in receiver.bodies] == [True, True, True, False]
    assert bench.pauses == [7.0, 14.0]  # the Retry-After of both, doubled the second time
    assert bench.webhooks.counts["delivered"] == 2


@pytest.mark.parametrize(
    ("answers", "attempts"), [((404,), 1), ((302,), 1), ((503,) * ATTEMPTS, ATTEMPTS)]
)
async def test_given_up_without_telling_the_url(
    bench: Bench, caplog: pytest.LogCaptureFixture, answers: tuple[int, ...], attempts: int
) -> None:
    receiver = Receiver(*answers)
    with caplog.at_level(logging.DEBUG):
        async with http_server(receiver) as port:
            bench.point_at(port)
            await bench.send()
            await bench.webhooks.drain()
    assert len(receiver.bodies) == attempts
    assert bench.webhooks.counts["failed"] == 1
    ours = [r.getMessage() for r in caplog.records if r.name != "aiohttp.access"]
    assert any("webhook hook was not told of LevelDropped" in line for line in ours)
    assert not any(HIDDEN in line for line in ours)


@pytest.mark.parametrize("url", [b"http://169.254.169.254/T0KEN", b"T0KEN", b"http://T0KEN:bad/"])
async def test_an_address_that_is_refused_and_a_url_that_is_none(
    bench: Bench, caplog: pytest.LogCaptureFixture, url: bytes
) -> None:
    bench.secrets["hook"] = {"url": url, "key": KEY}
    await bench.send()
    await bench.webhooks.drain()
    assert bench.webhooks.counts["failed"] == 1
    assert HIDDEN not in caplog.text


async def test_a_missing_secret(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.send()
    await bench.webhooks.drain()
    assert "There is no Secret 'hook'" in caplog.text


async def test_one_that_hangs_delays_no_other_and_drops_its_oldest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PER_WEBHOOK", 3)
    slow, quick = Receiver(), Receiver()
    slow.hold = asyncio.Event()
    async with http_server(slow) as slow_port, http_server(quick) as quick_port:
        bench.point_at(slow_port, "slow")
        bench.point_at(quick_port, "quick")
        await bench.send("first", name="slow")
        await slow.arrived.wait()
        for number in range(5):
            await bench.send(f"n{number}", name="slow")
        await bench.send(name="quick")
        await quick.arrived.wait()
        slow.hold.set()
        await bench.webhooks.drain()
    assert bench.webhooks.counts == {"delivered": 5, "failed": 0, "dropped": 2}
    assert [b"first" in slow.bodies[0], b"n2" in slow.bodies[1]] == [True, True]


async def test_many_that_hang_delay_no_other_namespace(bench: Bench) -> None:
    slow, quick = Receiver(), Receiver()
    slow.hold = asyncio.Event()
    async with http_server(slow) as slow_port, http_server(quick) as quick_port:
        for number in range(50):
            bench.point_at(slow_port, f"slow{number}")
            await bench.send(name=f"slow{number}")
        bench.point_at(quick_port, "quick")
        await slow.arrived.wait()
        await bench.send(name="quick", namespace="bank")
        async with asyncio.timeout(5):
            await quick.arrived.wait()
        slow.hold.set()
        await bench.webhooks.drain()
    assert bench.webhooks.counts["delivered"] == 51


async def test_bounded_in_all(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_ALL", 4)
    for number in range(8):
        await bench.send(str(number), name=f"hook{number % 2}")
    assert bench.webhooks.counts["dropped"] == 4
    await bench.webhooks.aclose()
    assert bench.webhooks.counts["dropped"] == 8
    await bench.send()
    assert bench.webhooks.counts.total() == 8
