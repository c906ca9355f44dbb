"""Prometheus queries and HTTP checks through the guarded client, to real servers."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from resilience_operator.api.v1alpha1.rollout import HttpCheck
from resilience_operator.core.rollout.queries import QueryProblem
from resilience_operator.probes.dial import AddrInfo, Dialler, Endpoint, Resolver
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.http_check import HttpChecks
from resilience_operator.probes.prometheus_query import PrometheusQueries
from resilience_operator.probes.tls import TlsContexts
from resilience_operator.probes.toolkit import Toolkit
from tests.integration.probes.stubs import http_server


class ClusterNames(Resolver):
    """Every name is a Service on this machine."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked: list[str] = []

    async def resolve(self, endpoint: Endpoint) -> list[AddrInfo]:
        self.asked.append(endpoint.host)
        address = ("127.0.0.1", endpoint.port)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


@pytest.fixture
def names() -> ClusterNames:
    return ClusterNames()


@pytest.fixture
async def kit(names: ClusterNames) -> AsyncIterator[Toolkit]:
    dialler = Dialler(AddressGuard(allow=["127.0.0.0/8"]), names)
    kit = Toolkit(dialler, TlsContexts(), lambda: 0.0)
    yield kit
    await kit.aclose()


async def prometheus(request: web.Request) -> web.StreamResponse:
    """Prometheus, as far as instant queries go: the number is what the query says."""
    assert request.path == "/base/api/v1/query"
    form = await request.post() if request.method == "POST" else request.query
    assert request.query.get("tenant") == "shop"
    assert form["timeout"] == "2s"
    query = str(form["query"])
    if query == "down":
        raise web.HTTPInternalServerError(text="secret")
    if query == "elsewhere":
        raise web.HTTPFound("http://169.254.169.254/")
    value = len(query) if query.startswith("long") else query
    sample = {"metric": {}, "value": [1.0, str(value)]}
    return web.Response(
        text=json.dumps({"status": "success", "data": {"resultType": "vector", "result": [sample]}})
    )


async def test_numbers_short_and_long(kit: Toolkit) -> None:
    long = "long" + "{}" * 2040
    async with http_server(prometheus) as port:
        url = f"http://prometheus:{port}/base?tenant=shop"
        queries = PrometheusQueries(kit)
        assert await queries.instant(url, "1.5", 2) == 1.5
        assert await queries.instant(url, long, 2) == len(long)


@pytest.mark.parametrize(
    ("query", "reason"),
    [("down", "PrometheusUnreachable"), ("elsewhere", "PrometheusUnreachable")],
)
async def test_errors_say_no_word_of_the_servers(kit: Toolkit, query: str, reason: str) -> None:
    async with http_server(prometheus) as port:
        url = f"http://prometheus:{port}/base/?tenant=shop"
        problem = await PrometheusQueries(kit).instant(url, query, 2)
    assert isinstance(problem, QueryProblem)
    assert problem.reason == reason
    assert "secret" not in problem.message


async def test_timeout(kit: Toolkit) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with http_server(silent) as port:
        problem = await PrometheusQueries(kit).instant(f"http://prometheus:{port}", "up", 0.05)
    assert isinstance(problem, QueryProblem)
    assert problem.reason == "QueryTimeout"


async def test_nobody_there_and_an_address_that_is_refused(kit: Toolkit) -> None:
    queries = PrometheusQueries(kit)
    refused = await queries.instant("http://169.254.169.254:9090", "up", 2)
    nobody = await queries.instant("http://prometheus:1", "up", 2)
    for problem in (refused, nobody):
        assert isinstance(problem, QueryProblem)
        assert problem.reason == "PrometheusUnreachable"


async def smoke(request: web.Request) -> web.StreamResponse:
    if request.path == "/slow":
        await asyncio.sleep(60)
    if request.path == "/moved":
        raise web.HTTPFound("/ok")
    return web.Response(status=200 if request.path == "/ok" else 204)


@pytest.mark.parametrize(
    ("path", "passed", "message"),
    [
        ("/ok", True, "HTTP 200."),
        ("/moved", False, "HTTP 302."),
        ("/empty", False, "HTTP 204."),
        ("/slow", False, "No answer within 0.2 s."),
    ],
)
async def test_checks(
    kit: Toolkit, names: ClusterNames, path: str, passed: bool, message: str
) -> None:
    async with http_server(smoke) as port:
        spec = HttpCheck(name="smoke", url=f"http://smoke:{port}{path}")
        view = await HttpChecks(kit).check("retail", spec, 0.2)
    assert (view.name, view.passed, view.message) == ("smoke", passed, message)
    # By its full name: a short one would be looked up in the operator's namespace.
    assert names.asked == ["smoke.retail.svc"]


async def test_a_check_abroad_asks_nobody(kit: Toolkit, names: ClusterNames) -> None:
    spec = HttpCheck(name="smoke", url="http://smoke.other.svc/ok")
    view = await HttpChecks(kit).check("retail", spec, 1)
    assert view.passed is False
    assert "no Service of the namespace retail" in view.message
    assert view.message.endswith("write <service> or <service>.retail.svc.")
    assert names.asked == []
