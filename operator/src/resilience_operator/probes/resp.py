"""The part of Redis's protocol that a probe needs: commands out, simple replies in.

Written here rather than taken from a client library because every reply must be bounded, nothing
may be retried behind the probe's back, and the socket must be the one that the guard let through.
"""

import asyncio
import socket
from ssl import SSLContext

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import Unhealthy
from resilience_operator.probes.failures import of_network

LINE_LIMIT = 4 * 1024
BULK_LIMIT = 256 * 1024


class RespError(Exception):
    """An error reply. Its text is the server's: match on it, never show it."""

    def __init__(self, text: str) -> None:
        super().__init__("error reply")
        self.code = text.split(" ", 1)[0]
        self.text = text.lower()


class RespConnection:
    """One connection, used by one run at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(
        cls, sock: socket.socket, tls: SSLContext | None, server_name: str
    ) -> "RespConnection":
        """Take over a connected socket, with TLS if there is a context."""
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock,
                limit=LINE_LIMIT,
                ssl=tls,
                server_hostname=server_name if tls is not None else None,
            )
        except BaseException:
            sock.close()
            raise
        return cls(reader, writer)

    @property
    def certificate(self) -> object:
        """The server's certificate, with TLS."""
        return self._writer.get_extra_info("peercert")

    async def command(self, *words: str) -> str:
        """Send a command and return its reply; `RespError` or `Unhealthy` if there is none."""
        encoded = [word.encode() for word in words]
        parts = [b"*%d\r\n" % len(encoded)]
        parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
        try:
            self._writer.write(b"".join(parts))
            await self._writer.drain()
            return await self._reply()
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            failure = of_network(error)
            if failure is None:
                raise
            raise failure from None

    async def _reply(self) -> str:
        line = await self._reader.readuntil(b"\r\n")
        kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
        if kind == b"-":
            raise RespError(rest)
        if kind in (b"+", b":"):
            return rest
        if kind == b"$" and rest.isascii() and rest.isdigit() and int(rest) <= BULK_LIMIT:
            data = await self._reader.readexactly(int(rest) + 2)
            return data[:-2].decode("utf-8", "replace")
        raise Unhealthy(Reason.PROTOCOL, "The server does not answer like a Redis.")

    def close(self) -> None:
        """Close at once."""
        self._writer.transport.abort()
