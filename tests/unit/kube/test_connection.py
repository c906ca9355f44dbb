"""The wire, against a small HTTP server that misbehaves in ways a real API server rarely does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client.configuration import Configuration

from resilience_operator.core import errors
from resilience_operator.core.resources import CONFIG_MAPS, PODS
from resilience_operator.kube.calls import Call
from resilience_operator.kube.client import KubeClient
from resilience_operator.kube.connection import Connection, Request, TokenFile, in_cluster
from resilience_operator.kube.errors import Gone, Unauthorized
from resilience_operator.kube.inquiries import Inquiries
from resilience_operator.kube.pacing import TokenBucket
from tests.fakes.clock import FakeClock

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers every request as it is told to, and remembers the last of them."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.answer: Answer = self.fine
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        return await self.answer(request)

    async def fine(self, request: web.Request) -> web.Response:
        return web.json_response({"metadata": {"name": "a"}})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[Connection]:
    connection = Connection(Configuration(host=server.url))
    yield connection
    await connection.close()


async def test_no_answer_in_time_is_transient(server: Server, connection: Connection) -> None:
    forever = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await forever.wait()
        return web.Response()

    server.answer = hang
    with pytest.raises(errors.TransientError, match="no answer within") as caught:
        await connection.send(Request("GET", "/x", {}, seconds=0.01))
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert caught.value.status == 0
    forever.set()


async def test_nobody_there_is_transient(server: Server) -> None:
    nobody = Connection(Configuration(host="http://127.0.0.1:1"))
    with pytest.raises(errors.TransientError, match="the connection failed"):
        await nobody.send(Request("GET", "/x", {}))
    await nobody.close()


async def test_it_says_who_asks(server: Server) -> None:
    for agent in ("kubectl-resilience", "resilience-operator"):
        connection = Connection(Configuration(host=server.url), user_agent=agent)
        await connection.send(Request("GET", "/x", {}))
        await connection.close()

        assert server.requests[-1].headers["User-Agent"] == agent


async def test_a_connection_that_is_cut_is_transient(
    server: Server, connection: Connection
) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"half":')
        assert request.transport is not None
        request.transport.abort()
        return response

    server.answer = cut
    with pytest.raises(errors.TransientError):
        await connection.send(Request("GET", "/x", {}))


async def test_queries_are_quoted_and_credentials_sent(server: Server, tmp_path: Path) -> None:
    clock = FakeClock()
    file = tmp_path / "token"
    file.write_text("first\n")
    configuration = Configuration(host=server.url)
    token = TokenFile(file, clock)
    configuration.refresh_api_key_hook = token.refresh  # type: ignore[assignment]
    connection = Connection(configuration, token)

    async def credential() -> str:
        await connection.send(Request("GET", "/x", {"labelSelector": "a in (b,c),d!=e&f"}))
        return server.requests[-1].headers["Authorization"]

    assert await credential() == "Bearer first"
    assert server.requests[-1].query["labelSelector"] == "a in (b,c),d!=e&f"

    file.write_text("second")
    assert await credential() == "Bearer first", "read at most once a minute"
    await clock.jump(60)
    assert await credential() == "Bearer second"

    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "Unauthorized"}, status=401)

    file.write_text("third")
    server.answer = refuse
    with pytest.raises(Unauthorized):
        await credential()
    server.answer = server.fine
    assert await credential() == "Bearer third", "a refused token is read again at once"
    await connection.close()


def test_a_pod_finds_its_api_server(tmp_path: Path) -> None:
    token, ca = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("t")
    ca.write_text("certificate")
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    configuration, file = in_cluster(FakeClock(), token, ca, environ)
    assert configuration.host == "https://[fd00::1]:443"
    assert configuration.ssl_ca_cert == str(ca)
    file.refresh(configuration)
    assert configuration.api_key == {"BearerToken": "Bearer t"}


async def test_every_request_is_observed_by_verb_kind_and_code(
    server: Server, connection: Connection
) -> None:
    calls: list[Call] = []
    client = KubeClient(connection, observer=calls.append)
    await client.get(PODS, "shop", "a")
    await client.apply_status(PODS, "shop", "a", {"status": {}}, "somebody")

    async def busy(request: web.Request) -> web.Response:
        return web.json_response({}, status=429, headers={"Retry-After": "7"})

    server.answer = busy
    with pytest.raises(errors.TransientError) as caught:
        await client.delete(PODS, "shop", "a")
    assert caught.value.retry_after == 7.0
    seen = [(each.verb, each.resource.kind, each.code) for each in calls]
    assert seen == [("get", "Pod", 200), ("apply_status", "Pod", 200), ("delete", "Pod", 429)]
    assert all(each.namespace == "shop" and each.name == "a" for each in calls)
    assert [each.writes for each in calls] == [False, True, True]
    assert len(server.requests) == 3, "nothing is retried behind our back"


async def test_a_write_that_is_given_up_is_observed_too(
    server: Server, connection: Connection
) -> None:
    asked = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.json_response({})

    server.answer = silent
    calls: list[Call] = []
    client = KubeClient(connection, observer=calls.append)
    writing = asyncio.create_task(client.create(CONFIG_MAPS, "shop", {"metadata": {"name": "a"}}))
    await asked.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    (call,) = calls
    assert (call.verb, call.namespace, call.name, call.code) == ("create", "shop", "a", 0)
    assert (call.outcome, call.field_manager) == ("none", "resilience-operator")


async def test_writes_wait_for_the_bucket_and_reads_do_not(
    server: Server, connection: Connection
) -> None:
    class Counting(TokenBucket):
        taken = 0

        async def take(self) -> None:
            self.taken += 1

    bucket = Counting(FakeClock(), 1.0, 1)
    client = KubeClient(connection, bucket)
    await client.get(PODS, "shop", "a")
    assert bucket.taken == 0
    for write in (
        client.create(CONFIG_MAPS, "shop", {}),
        client.replace(CONFIG_MAPS, "shop", "a", {}),
        client.apply(CONFIG_MAPS, "shop", "a", {}, "me"),
        client.apply_status(CONFIG_MAPS, "shop", "a", {}, "me"),
        client.merge_patch(CONFIG_MAPS, "shop", "a", {}),
        client.json_patch(CONFIG_MAPS, "shop", "a", []),
        client.delete(CONFIG_MAPS, "shop", "a"),
    ):
        await write
    assert bucket.taken == 7


async def test_an_apply_names_its_object_and_its_manager(
    server: Server, connection: Connection
) -> None:
    body: dict[str, Any] = {"metadata": {"labels": {"a": "b"}}, "data": {"k": "v"}}
    await KubeClient(connection).apply(CONFIG_MAPS, "shop", "flags", body, "us", force=True)
    request = server.requests[-1]
    assert request.method == "PATCH"
    assert dict(request.query) == {"fieldManager": "us", "force": "true"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(server.bodies[-1]) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"labels": {"a": "b"}, "name": "flags", "namespace": "shop"},
        "data": {"k": "v"},
    }
    assert body["metadata"] == {"labels": {"a": "b"}}, "the caller's body is left alone"


async def test_a_list_whose_page_token_is_too_old_begins_again(
    server: Server, connection: Connection
) -> None:
    tokens = iter(["old", "new"])

    async def pages(request: web.Request) -> web.Response:
        token = request.query.get("continue")
        if token == "old":
            return web.json_response({"reason": "Expired"}, status=410)
        if token == "new":
            return web.json_response({"metadata": {}, "items": [{"n": 2}]})
        return web.json_response({"metadata": {"continue": next(tokens)}, "items": [{"n": 1}]})

    server.answer = pages
    assert await KubeClient(connection).list(PODS) == [{"n": 1}, {"n": 2}]


async def test_a_list_that_never_gets_through_gives_up(
    server: Server, connection: Connection
) -> None:
    async def gone(request: web.Request) -> web.Response:
        return web.json_response({"reason": "Expired"}, status=410)

    server.answer = gone
    with pytest.raises(Gone):
        await KubeClient(connection).list(PODS)
    assert len(server.requests) == 3


async def test_an_answer_of_something_in_between_is_transient(
    server: Server, connection: Connection
) -> None:
    async def portal(request: web.Request) -> web.Response:
        return web.Response(text="<html>please log in</html>")

    server.answer = portal
    with pytest.raises(errors.TransientError, match="not the API server's"):
        await KubeClient(connection).get(PODS, "shop", "a")
    with pytest.raises(errors.TransientError, match="not the API server's"):
        await Inquiries(connection).document("/openapi/v3")
