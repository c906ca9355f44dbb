"""What the benchmarks probe: an HTTP and a TCP server in a process of their own.

It answers on every address in 127.0.0.0/8, so that thousands of dependencies can each have a host
of their own, and remembers which of them were asked. As little work per request as possible: it
shares the machine with what is measured.

    python -m tests.bench.server        prints {"http": port, "tcp": port, "control": port}
"""

import asyncio
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import uvloop

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
_END = b"\r\n\r\n"
_BACKLOG = 4096
_START_SECONDS = 20.0


@dataclass(frozen=True)
class Ports:
    """Where the servers listen."""

    http: int
    tcp: int
    control: int


@dataclass(frozen=True)
class Asked:
    """How many hosts and ports have been asked since `forget`, and when the last new one was."""

    distinct: int
    last_new_at: float  # time.monotonic(), which all processes of a machine share


class _Memory:
    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.last_new_at = 0.0

    def note(self, transport: asyncio.BaseTransport) -> None:
        address = transport.get_extra_info("sockname")
        if address not in self.seen:
            self.seen.add(address)
            self.last_new_at = time.monotonic()


class _Tcp(asyncio.Protocol):
    def __init__(self, memory: _Memory) -> None:
        self._memory = memory

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._memory.note(transport)


class _Http(asyncio.Protocol):
    """Answers every request the same; a GET has no body, so an empty line ends it."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass
        self._noted = False

    def data_received(self, data: bytes) -> None:
        if not self._noted:
            self._memory.note(self._transport)
            self._noted = True
        data = self._rest + data
        requests = data.count(_END)
        self._rest = data[data.rfind(_END) + len(_END) :] if requests else data
        self._transport.write(_OK * requests)


class _Control(asyncio.Protocol):
    """One word per connection: `asked`, or `forget`, which starts the count anew."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        memory = self._memory
        if data.strip() == b"forget":
            memory.seen.clear()
        answer = {"distinct": len(memory.seen), "last_new_at": memory.last_new_at}
        self._transport.write(json.dumps(answer).encode())
        self._transport.close()


def _listen(device: bool) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if device:  # all of 127.0.0.0/8, and nothing that comes from outside
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    sock.bind(("0.0.0.0" if device else "127.0.0.1", 0))
    sock.listen(_BACKLOG)
    return sock


async def _serve() -> None:
    loop, memory = asyncio.get_running_loop(), _Memory()
    ports = {}
    for name, make in (("http", _Http), ("tcp", _Tcp), ("control", _Control)):
        sock = _listen(device=make is not _Control)
        ports[name] = sock.getsockname()[1]
        await loop.create_server(partial(make, memory), sock=sock, backlog=_BACKLOG)
    print(json.dumps(ports), flush=True)
    gone = asyncio.Event()
    loop.add_reader(sys.stdin, gone.set)
    await gone.wait()


@contextmanager
def running() -> Iterator[Ports]:
    """The servers, started; they end with the block, or with this process however it ends."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.server"],
        stdin=subprocess.PIPE,  # its end is the sign to stop
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with child:
        assert child.stdout is not None
        if not select.select([child.stdout], [], [], _START_SECONDS)[0]:
            child.kill()
            raise TimeoutError("the servers to probe did not start")
        try:
            yield Ports(**json.loads(child.stdout.readline()))
        finally:
            assert child.stdin is not None
            child.stdin.close()


def ask(ports: Ports, word: str = "asked") -> Asked:
    """Send a word to the control port."""
    with socket.create_connection(("127.0.0.1", ports.control), timeout=10) as sock:
        sock.sendall(word.encode())
        return Asked(**json.loads(sock.makefile().read()))


if __name__ == "__main__":
    uvloop.run(_serve())
