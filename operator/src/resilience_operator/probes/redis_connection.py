"""A connection of the Redis library's over a socket that the guard has let through.

The library's own way of connecting is never used: a connection is given its stream, has it once,
and cannot open another, so nothing is dialled or asked again behind the probe's back. What a
server may send is bounded in the stream, because the library bounds no reply.
"""

import asyncio
import socket
from ssl import SSLContext
from typing import Any

from redis.asyncio import Connection, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse

LINE_LIMIT = 4 * 1024
REPLY_LIMIT = 256 * 1024


class BoundedReader(asyncio.StreamReader):
    """Reads no more than a reply may be long, and no part of a line."""

    left = REPLY_LIMIT

    async def readline(self) -> bytes:
        """Read a line; `IncompleteReadError` when the stream ends before it does."""
        line = await super().readline()
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        self._take(len(line))
        return line

    async def readexactly(self, n: int) -> bytes:
        """Read `n` bytes, unless that is too much."""
        self._take(n)
        return await super().readexactly(n)

    def _take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise InvalidResponse("The reply is too long.")


class Stream:
    """The two ends of an open connection, with TLS or without."""

    def __init__(self, reader: BoundedReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, sock: socket.socket, tls: SSLContext | None, server_name: str) -> "Stream":
        """Take over a connected socket: `asyncio.open_connection` with a reader of our own."""
        loop = asyncio.get_running_loop()
        reader = BoundedReader(limit=LINE_LIMIT, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol,
                sock=sock,
                ssl=tls,
                server_hostname=server_name if tls is not None else None,
            )
        except BaseException:
            sock.close()
            raise
        return cls(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


class ProbeConnection(Connection):
    """One connection, used by one run at a time."""

    def __init__(self, *, stream: Stream, **options: Any) -> None:
        """`options` are the library's: host and port, the credentials and the database."""
        self._stream = stream
        self._used = False
        super().__init__(
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            # The prober's deadline is the only one.
            socket_timeout=None,
            socket_connect_timeout=None,
            # No CLIENT SETINFO: a user who may only PING would be refused it.
            driver_info=None,
            **options,
        )

    @property
    def certificate(self) -> object:
        """The server's certificate, with TLS."""
        return self._stream.writer.get_extra_info("peercert")

    async def log_in(self) -> None:
        """Send the credentials and select the database."""
        await self.connect_check_health(check_health=False)

    async def ask(self, *words: str) -> Any:
        """Send a command and return what its reply means to the library."""
        await self.send_command(*words)
        return await _REPLIES.parse_response(self, words[0])

    async def read_response(self, *args: Any, **options: Any) -> bytes:
        """Read a reply; all those that a probe asks for are strings."""
        self._stream.reader.left = REPLY_LIMIT
        try:
            reply = await super().read_response(*args, **options)
        except (ValueError, RecursionError):  # what the library's parser does with garbage
            raise InvalidResponse("The reply cannot be read.") from None
        if not isinstance(reply, bytes):
            raise InvalidResponse("The reply is no string.")
        return reply

    async def disconnect(self, *_: Any, **__: Any) -> None:
        """Close as the library does after an error, but at once."""
        self.close()

    def close(self) -> None:
        """Close at once, without waiting for the server to agree."""
        self._stream.writer.transport.abort()
        self._reader = self._writer = None

    async def _connect(self) -> None:
        if self._used:
            raise RuntimeError("a probe's connection is opened once")
        self._used = True
        self._reader, self._writer = self._stream.reader, self._stream.writer


# Knows what replies mean. Its connections would need a stream, so it can dial nothing; a client
# for each connection would be six times the size of the connection.
_REPLIES = Redis(connection_pool=ConnectionPool(connection_class=ProbeConnection, protocol=2))
