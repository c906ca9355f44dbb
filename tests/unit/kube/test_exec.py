"""A program in a pod, behind a small server that speaks as the API server does for `exec`."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client.configuration import Configuration

from resilience_operator.core.errors import Forbidden, NotFound, TerminalError, TransientError
from resilience_operator.kube.connection import Connection
from resilience_operator.kube.exec import run_in_pod

Program = Callable[[web.WebSocketResponse], Awaitable[None]]
FINE = json.dumps({"status": "Success"}).encode()


class Pod:
    """Runs `program` for whoever connects, or refuses with `status`."""

    def __init__(self) -> None:
        self.program: Program | None = None
        self.status = 0
        self.query: list[tuple[str, str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.query = list(request.query.items())
        if request.headers["Accept"] != "*/*":
            return web.Response(status=406)  # as the API server does
        if self.status:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await socket.prepare(request)
        assert self.program is not None
        await self.program(socket)
        await socket.close()
        return socket


@pytest.fixture
async def pod() -> AsyncIterator[Pod]:
    made = Pod()
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/system/pods/one/exec", made.handle)
    async with TestServer(app) as running:
        made.url = str(running.make_url("")).rstrip("/")
        yield made


async def run(pod: Pod, text: str = "ask\n", seconds: float = 10.0) -> str:
    connection = Connection(Configuration(host=pod.url))
    try:
        return await run_in_pod(
            connection, "system", "one", "operator", ("echo", "-n"), text, seconds
        )
    finally:
        await connection.close()


async def test_a_text_goes_in_and_the_output_comes_back(pod: Pod) -> None:
    text = "x" * 40_000 + "\n"
    heard = bytearray()

    async def echo(socket: web.WebSocketResponse) -> None:
        while not heard.endswith(b"\n"):
            message = await socket.receive_bytes()
            assert message[0] == 0
            heard.extend(message[1:])
        await socket.send_bytes(b"\x01")  # the API server opens every channel like this
        await socket.send_bytes(b"\x02a warning")
        await socket.send_bytes(b"\x01an an")
        await socket.send_bytes(b"\x01swer")
        await socket.send_bytes(b"\x03" + FINE)

    pod.program = echo

    assert await run(pod, text) == "an answer"
    assert heard.decode() == text
    assert ("container", "operator") in pod.query
    assert [value for key, value in pod.query if key == "command"] == ["echo", "-n"]
    assert ("tty", "true") not in pod.query


async def test_a_program_that_fails_says_why(pod: Pod) -> None:
    async def fail(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"\x02No module named x")
        status = {"status": "Failure", "message": "command terminated with exit code 1"}
        await socket.send_bytes(b"\x03" + json.dumps(status).encode())

    pod.program = fail

    with pytest.raises(TerminalError, match="exit code 1: No module named x"):
        await run(pod)


async def test_a_connection_that_ends_early_is_no_answer(pod: Pod) -> None:
    async def vanish(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"\x01half of it")

    pod.program = vanish

    with pytest.raises(TerminalError, match="ended before the program did"):
        await run(pod)


async def test_a_program_that_does_not_end_is_given_up(pod: Pod) -> None:
    done = asyncio.Event()

    async def hang(socket: web.WebSocketResponse) -> None:
        await done.wait()

    pod.program = hang

    with pytest.raises(TransientError, match="did not end within"):
        await run(pod, seconds=0.2)
    done.set()


async def test_refusals_are_told_apart(pod: Pod) -> None:
    for status, error in ((403, Forbidden), (404, NotFound), (500, TransientError)):
        pod.status = status
        with pytest.raises(error, match=f"answered {status}"):
            await run(pod)


async def test_nobody_there_is_transient(pod: Pod) -> None:
    pod.url = "http://127.0.0.1:1"

    with pytest.raises(TransientError, match="the connection failed"):
        await run(pod)
