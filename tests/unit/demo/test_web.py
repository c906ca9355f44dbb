"""The application over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from e2e.demo.app.features import FEATURES
from e2e.demo.app.settings import Settings
from e2e.demo.app.web import READER, create_app
from tests.unit.demo.conftest import Client, KubeletVolume, flagd, holds

Start = Callable[..., Awaitable[Client]]


@pytest.fixture
def start(aiohttp_client: Callable[..., Awaitable[Client]], volume: KubeletVolume) -> Start:
    """Starts the application on the volume, and waits until it has read what is there."""

    async def start(**settings: Any) -> Client:
        app = create_app(Settings(flags_file=volume.file, pod="pod-1", version="v2", **settings))
        client = await aiohttp_client(app)
        if volume.file.exists():
            assert await holds(lambda: app[READER].snapshot.read_at is not None)
        return client

    return start


async def test_flags_as_json(volume: KubeletVolume, start: Start) -> None:
    volume.write(flagd("LIMITED", 50, 7, ai_assistant="cached"))
    client = await start()
    response = await client.get("/api/flags")
    assert response.headers["Cache-Control"] == "no-store"
    body = await response.json()
    assert body["level"] == "LIMITED"
    assert body["health"] == 50
    assert body["generation"] == 7
    assert body["pod"] == "pod-1"
    assert body["features"] == {**dict.fromkeys(FEATURES, "on"), "ai_assistant": "cached"}
    assert body["readAt"] > 1_600_000_000_000


async def test_a_feature_acts_by_its_state(volume: KubeletVolume, start: Start) -> None:
    volume.write(flagd("LIMITED", 50, 7, ai_assistant="cached", data_export="off"))
    client = await start()
    for name, state in (("ai_assistant", "cached"), ("data_export", "off"), ("stock_levels", "on")):
        body = await (await client.get(f"/api/{name}")).json()
        answer = FEATURES[name].answers[state]
        assert body == {"feature": name, "state": state, "answer": answer}


async def test_no_such_feature(start: Start) -> None:
    client = await start()
    response = await client.get("/api/teleport")
    assert response.status == 404
    assert "teleport" in (await response.json())["error"]


async def test_without_flags_everything_is_on(start: Start) -> None:
    client = await start()
    body = await (await client.get("/api/flags")).json()
    assert body["level"] == "UNKNOWN"
    assert body["readAt"] is None
    assert set(body["features"].values()) == {"on"}
    page = await (await client.get("/")).text()
    assert "No flags received yet" in page


async def test_the_page_shows_level_health_and_every_feature(
    volume: KubeletVolume, start: Start
) -> None:
    volume.write(flagd("LIMITED", 50, 7, ai_assistant="cached", data_export="off"))
    client = await start()
    page = await (await client.get("/")).text()
    for expected in ('<div class="level">LIMITED</div>', "<b>50</b> / 100", "pod-1"):
        assert expected in page
    for feature in FEATURES.values():
        assert feature.title in page
    assert '<article class="fallback" id="ai_assistant">' in page
    assert '<article class="off" id="data_export">' in page
    assert '<article class="on" id="stock_levels">' in page
    assert "http://" not in page
    assert "https://" not in page
    assert 'role="alert"' not in page


async def test_the_page_escapes_what_the_file_says(volume: KubeletVolume, start: Start) -> None:
    volume.write(flagd("<script>", 50, 7, ai_assistant="<b>"))
    client = await start()
    page = await (await client.get("/")).text()
    assert "&lt;script&gt;" in page
    assert "<b><" not in page.replace("<b>50</b>", "")
    assert "&lt;b&gt;" in page


async def test_emergency_is_a_maintenance_notice(volume: KubeletVolume, start: Start) -> None:
    volume.write(flagd("EMERGENCY", 0, 9, **dict.fromkeys(FEATURES, "off")))
    client = await start()
    page = await (await client.get("/")).text()
    assert 'role="alert"' in page
    assert "We will be right back" in page


async def test_metrics_count_requests_by_route(start: Start) -> None:
    client = await start()
    await client.get("/api/stock_levels")
    await client.get("/api/teleport")
    await client.get("/made/up/path")
    await client.get("/healthz")
    text = await (await client.get("/metrics")).text()
    total = 'http_requests_total{{code="{}",path="{}",version="v2"}} 1.0'
    assert total.format(200, "/api/{feature}") in text
    assert total.format(404, "/api/{feature}") in text
    assert total.format(404, "unknown") in text
    assert "http_request_duration_seconds_bucket" in text
    assert "healthz" not in text


async def test_a_bad_release_fails_and_is_counted(start: Start) -> None:
    client = await start(error_percent=100.0)
    assert (await client.get("/")).status == 500
    assert (await client.get("/healthz")).status == 200
    text = await (await client.get("/metrics")).text()
    assert 'http_requests_total{code="500",path="/",version="v2"} 1.0' in text


async def test_a_slow_release_is_measured(start: Start) -> None:
    client = await start(delay_milliseconds=30.0)
    assert (await client.get("/")).status == 200
    text = await (await client.get("/metrics")).text()
    assert 'http_request_duration_seconds_bucket{le="0.025",path="/",version="v2"} 0.0' in text


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {"FLAGS_FILE": "/x/flagd.json", "POD_NAME": "p", "VERSION": "v9", "ERROR_PERCENT": "2.5",
         "DELAY_MS": "40", "FLAGS_POLL_MS": "50", "PORT": "81"}
    )  # fmt: skip
    assert str(settings.flags_file) == "/x/flagd.json"
    assert (settings.pod, settings.version, settings.port) == ("p", "v9", 81)
    assert (settings.error_percent, settings.delay_milliseconds) == (2.5, 40.0)
    assert Settings.from_environment({}).poll_milliseconds == 100
