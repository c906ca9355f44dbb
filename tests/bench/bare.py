"""The yardsticks: the least that a program must do to ask the same servers the same thing."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from redis.asyncio import Redis

Ask = Callable[[], Awaitable[object]]


class Workers:
    """So many workers, each asking again as soon as it is answered."""

    def __init__(self, asks: list[Ask]) -> None:
        self._asks = asks
        self._count = 0
        self._stopping = False

    def finished(self) -> int:
        """Answers so far."""
        return self._count

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask while the block runs."""
        async with asyncio.TaskGroup() as group:
            for ask in self._asks:
                group.create_task(self._work(ask))
            yield
            # Not cancelled: a library may take that for a failure of its own and go on.
            self._stopping = True

    async def _work(self, ask: Ask) -> None:
        while not self._stopping:
            await ask()
            self._count += 1


@asynccontextmanager
async def http(urls: list[str], concurrency: int) -> AsyncIterator[Workers]:
    """`session.get` of aiohttp, with the settings of the operator's session, and a timeout."""
    turn = itertools.cycle(urls)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=3),
        headers={"User-Agent": "bare", "Accept-Encoding": "identity"},
    ) as session:

        async def ask() -> None:
            async with session.get(next(turn), allow_redirects=False) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"HTTP {answer.status}")

        yield Workers([ask] * concurrency)


@asynccontextmanager
async def tcp(addresses: list[tuple[str, int]], concurrency: int) -> AsyncIterator[Workers]:
    """A socket, `sock_connect`, a timeout and `close`."""
    turn = itertools.cycle(addresses)
    loop = asyncio.get_running_loop()

    async def ask() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout(3):
                await loop.sock_connect(sock, next(turn))

    yield Workers([ask] * concurrency)


@asynccontextmanager
async def redis(port: int, concurrency: int) -> AsyncIterator[Workers]:
    """`ping` of redis-py, each worker on a connection of its own."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Redis(host="127.0.0.1", port=port, socket_timeout=3, single_connection_client=True)
            )
            for _ in range(concurrency)
        ]
        yield Workers([client.ping for client in clients])
