"""The one HTTP client: every request of the http, openai and s3 probes is sent by it.

Every dial passes the address guard, also those of addresses written into a URL. There are no
cookies, no proxies from the environment, no redirects followed by the library, no decompression
(a small answer could become a huge one), and no body longer than the caller's bound.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import Unhealthy, Unknowable
from resilience_operator.probes.dial import Dialler, Endpoint
from resilience_operator.probes.failures import closed_early, of_network

BODY_LIMIT = 64 * 1024
# Longer than the default interval of a probe, shorter than most servers' patience.
KEEP_ALIVE_SECONDS = 30.0
MAX_INTERIM_ANSWERS = 16
# Sent on a connection of its own: it cannot be repeated when a kept one turns out to be dead.
_NOT_REPEATABLE = frozenset({"POST"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `url` is sent as it is encoded."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    fresh: bool = False
    # Read this much of the body at most; None: only what comes cheaply, to reuse the connection.
    body_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `truncated` when the body went on beyond the limit."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool
    certificate: object = field(repr=False)


def parse_url(text: str) -> URL:
    """Parse a URL of a policy; Unknowable when it is none."""
    try:
        url = URL(text)
        if url.host and url.port and url.scheme in ("http", "https"):
            return url
    except ValueError:
        pass
    raise Unknowable(Reason.CONFIG_INVALID, "The URL is not a valid http or https URL.")


class _Response(aiohttp.ClientResponse):
    """Remembers the server's certificate, before the connection may already be given back."""

    certificate: object = None

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
        if transport is not None:
            self.certificate = transport.get_extra_info("peercert")
        return await super().start(connection)


class _Protocol(ResponseHandler):
    """Refuses a server that sends one interim answer (1xx) after the other, instead of its own.

    The library queues and skips as many as come, which keeps the event loop busy with nothing else.
    """

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        super().data_received(data)
        if len(self) > MAX_INTERIM_ANSWERS and self.transport is not None:
            self.transport.close()
            self.set_exception(HttpProcessingError())


class _Connector(aiohttp.TCPConnector):
    """Makes connections that are spoken to by our protocol."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        made: type[ResponseHandler] = _Protocol
        self._factory = partial(made, loop=asyncio.get_running_loop())


class _GuardedResolver(AbstractResolver):
    """Hands the library only addresses that may be dialled."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(info[4][0]),
                port=port,
                family=info[0],
                proto=info[2],
                flags=socket.AI_NUMERICHOST,
            )
            for info in await self._dialler.addresses(Endpoint(host, port))
        ]

    async def close(self) -> None:
        """The dialler is not ours to close."""


class HttpClient:
    """Two sessions: one whose connections are kept, one that dials for every request."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._kept = self._session(fresh=False)
        self._fresh = self._session(fresh=True)

    def _session(self, *, fresh: bool) -> aiohttp.ClientSession:
        connector = _Connector(
            resolver=_GuardedResolver(self._dialler),
            socket_factory=self._dialler.open_socket,
            use_dns_cache=False,
            limit=0,  # the probe pool bounds how many run at once
            force_close=fresh,
            keepalive_timeout=None if fresh else KEEP_ALIVE_SECONDS,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            raise_for_status=False,
            response_class=_Response,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"User-Agent": "resilience-operator", "Accept-Encoding": "identity"},
        )

    async def fetch(self, request: Request) -> Answer:
        """Send it and read the answer; raises `ProbeFailure` for whatever the network does."""
        fresh = request.fresh or request.method in _NOT_REPEATABLE
        session = self._fresh if fresh else self._kept
        with _failures_of_the_network():
            async with session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                ssl=True if request.tls is None else request.tls,
                server_hostname=request.server_name if request.url.scheme == "https" else None,
                allow_redirects=False,
            ) as response:
                body, truncated = await _read(response, request.body_limit)
                if truncated:
                    response.close()
        return Answer(
            status=response.status,
            headers=response.headers,
            body=body,
            truncated=truncated,
            certificate=getattr(response, "certificate", None),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(self._kept.close(), self._fresh.close())


async def _read(response: aiohttp.ClientResponse, limit: int | None) -> tuple[bytes, bool]:
    if limit is None:
        length = response.content_length
        if length is None or length > BODY_LIMIT:
            return b"", True
        limit = BODY_LIMIT
    body = bytearray()
    while len(body) <= limit:
        chunk = await response.content.read(limit + 1 - len(body))
        if not chunk:
            return bytes(body), False
        body += chunk
    return bytes(body[:limit]), True


@contextmanager
def _failures_of_the_network() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientResponseError:
        raise Unhealthy(Reason.PROTOCOL, "The server's answer is not valid HTTP.") from None
    except aiohttp.ClientPayloadError:
        raise Unhealthy(
            Reason.RESET, "The server closed the connection in the middle of its answer."
        ) from None
    except aiohttp.InvalidURL:
        raise Unknowable(Reason.CONFIG_INVALID, "The URL's host is not valid.") from None
    except aiohttp.ServerDisconnectedError:
        raise closed_early() from None
    except (aiohttp.ClientConnectorError, OSError) as error:
        failure = of_network(getattr(error, "os_error", error))
        if failure is None:
            raise
        raise failure from None
