"""The endpoints, asked over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from resilience_operator.core.model import ProbeKey, ProbeResult, Verdict
from resilience_operator.metrics.registry import Metrics
from resilience_operator.server import Server
from resilience_operator.tracing.base import Tracing


class Checks:
    """What the two checks say at present."""

    def __init__(self) -> None:
        self.healthy: Sequence[str] | Exception = ()
        self.ready: Sequence[str] | Exception = ()

    def is_healthy(self) -> Sequence[str]:
        return _say(self.healthy)

    def is_ready(self) -> Sequence[str]:
        return _say(self.ready)


def _say(answer: Sequence[str] | Exception) -> Sequence[str]:
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
async def url(checks: Checks) -> AsyncIterator[str]:
    server = Server(Metrics().registry, healthy=checks.is_healthy, ready=checks.is_ready)
    port = await server.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{port}"
    await server.stop()


async def ask(url: str) -> tuple[int, str]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_all_is_well(url: str, path: str) -> None:
    assert await ask(url + path) == (200, "ok\n")


async def test_what_is_wrong_is_said(url: str, checks: Checks) -> None:
    checks.healthy = ["The probe pool has died.", "The watch has died."]
    checks.ready = ["The caches are not filled yet."]
    assert await ask(url + "/healthz") == (
        503,
        "The probe pool has died.\nThe watch has died.\n",
    )
    assert await ask(url + "/readyz") == (503, "The caches are not filled yet.\n")


async def test_a_check_that_raises_answers_without_its_text(url: str, checks: Checks) -> None:
    checks.healthy = RuntimeError("hunter2")
    assert await ask(url + "/healthz") == (503, "The check itself failed: RuntimeError.\n")


async def test_metrics_in_both_formats(url: str) -> None:
    status, text = await ask(url + "/metrics")
    assert (status, "resilience_policies 0.0" in text) == (200, True)
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with (
        aiohttp.ClientSession(headers=accept) as session,
        session.get(url + "/metrics") as answer,
    ):
        assert answer.content_type == "application/openmetrics-text"
        assert (await answer.text()).endswith("# EOF\n")


OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


class Traced(Tracing):
    """Has a trace of what it is told to."""

    def __init__(self, trace_id: str | None) -> None:
        self.trace_id = trace_id

    def probed(self, *_: object) -> str | None:
        return self.trace_id

    def last(self) -> str | None:
        return self.trace_id


@pytest.mark.parametrize("trace_id", ["4bf92f3577b34da6a3ce929d0e0e4736", None])
async def test_an_exemplar_stands_where_there_is_a_trace(trace_id: str | None) -> None:
    metrics = Metrics(tracing=Traced(trace_id))
    result = ProbeResult(Verdict.HEALTHY, 1.0, latency_ms=30.0)
    metrics.probe_finished(ProbeKey("retail", "redis", "d"), result, ())
    metrics.run_finished(("retail", "inventario"), 0.3, None)
    server = Server(metrics.registry, healthy=list, ready=list)
    port = await server.start("127.0.0.1", 0)
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers=OPEN_METRICS) as answer:
            families = list(text_string_to_metric_families(await answer.text()))
        async with session.get(url) as answer:
            assert "trace_id" not in await answer.text()
    await server.stop()
    found = {
        (sample.name, sample.labels["le"], sample.exemplar.labels["trace_id"])
        for family in families
        for sample in family.samples
        if sample.exemplar is not None
    }
    if trace_id is None:
        assert found == set()
        return
    assert found == {
        ("resilience_probe_duration_seconds_bucket", "0.05", trace_id),
        ("resilience_reconcile_duration_seconds_bucket", "0.5", trace_id),
    }


@pytest.mark.parametrize(("accepted", "sent"), [("gzip, deflate", "gzip"), ("identity", None)])
async def test_metrics_are_compressed_for_who_can_read_that(
    url: str, accepted: str, sent: str | None
) -> None:
    headers = {"Accept-Encoding": accepted}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(url + "/metrics") as answer,
    ):
        assert answer.headers.get("Content-Encoding") == sent
        assert "resilience_policies 0.0" in await answer.text()


async def test_scrapes_at_the_same_time_all_get_an_answer(url: str) -> None:
    answers = await asyncio.gather(*(ask(url + "/metrics") for _ in range(5)))
    assert {status for status, _ in answers} == {200}


async def test_stopping_twice_is_fine() -> None:
    server = Server(Metrics().registry, healthy=tuple, ready=tuple)
    port = await server.start("127.0.0.1", 0)
    await server.stop()
    await server.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(f"http://127.0.0.1:{port}/healthz")
