"""The connection to the API server: where it is, who we are, and one request at a time.

Built on the client library's configuration and REST layer alone. Its typed models would cost
memory and hide what is on the wire; the operator handles a dozen kinds by their paths.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from kubernetes.aio.config.kube_config import load_kube_config
from kubernetes.aio.stream.ws_client import WsApiClient
from yarl import URL

from resilience_operator.core.errors import TransientError
from resilience_operator.kube.errors import Unauthorized, from_answer
from resilience_operator.kube.pacing import Clock

JSON = "application/json"
_TOKEN_SECONDS = 60.0
_CONNECT_SECONDS = 5.0
USER_AGENT = "resilience-operator"


class TokenFile:
    """The projected token of our service account, which the kubelet replaces every hour or so."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._token = ""
        self._read_again_at = 0.0

    def expire(self) -> None:
        """Read it again for the next request."""
        self._read_again_at = 0.0

    def refresh(self, configuration: Configuration) -> None:
        """Put the present token into the configuration: its hook before every request."""
        now = self._clock.now()
        if now >= self._read_again_at:
            self._token = self._path.read_text().strip()
            self._read_again_at = now + _TOKEN_SECONDS
        configuration.api_key["BearerToken"] = f"Bearer {self._token}"


def in_cluster(
    clock: Clock,
    token_file: Path = Path(SERVICE_TOKEN_FILENAME),
    ca_file: Path = Path(SERVICE_CERT_FILENAME),
    environ: Mapping[str, str] = os.environ,
) -> tuple[Configuration, TokenFile]:
    """What a pod is told about its API server."""
    configuration = Configuration()
    loader: Any = InClusterConfigLoader
    loader(str(token_file), str(ca_file), False, environ).load_and_set(configuration)
    token = TokenFile(token_file, clock)
    hooked: Any = configuration
    hooked.refresh_api_key_hook = token.refresh
    return configuration, token


async def connect(
    clock: Clock,
    kubeconfig: Path | None = None,
    context: str | None = None,
    user_agent: str = USER_AGENT,
) -> "Connection":
    """Connect by that kubeconfig; else as a pod, where we are one; else by the usual kubeconfig."""
    if kubeconfig is None and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return Connection(*in_cluster(clock), user_agent)
    configuration = Configuration()
    load: Any = load_kube_config
    await load(
        config_file=None if kubeconfig is None else str(kubeconfig),
        context=context,
        client_configuration=configuration,
        persist_config=False,
    )
    return Connection(configuration, user_agent=user_agent)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `seconds` limits all of it, or for a stream the silence in it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: object = None
    content_type: str = JSON
    seconds: float = 10.0


class Connection:
    """Sends requests; turns everything that is not an answer into a TransientError."""

    def __init__(
        self,
        configuration: Configuration,
        token: TokenFile | None = None,
        user_agent: str = USER_AGENT,
    ) -> None:
        """`user_agent` is who we are in audit logs, and in the managed fields of what we patch."""
        self._configuration = configuration
        self._token = token
        self._user_agent = user_agent
        # Errors are retried by whoever knows whether it still matters, never in here.
        configuration.retries = None
        self._rest: Any = RESTClientObject(configuration)

    @property
    def url(self) -> str:
        """Where the API server is."""
        return str(self._configuration.host)

    async def close(self) -> None:
        """Close all connections."""
        await self._rest.close()

    async def send(self, request: Request) -> bytes:
        """The body of the answer; raises an ApiError for any other than 2xx."""
        limits = aiohttp.ClientTimeout(total=request.seconds, connect=_CONNECT_SECONDS)
        async with self._answer(request, limits) as answer:
            return await answer.read()

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of the answer as it arrives."""
        limits = aiohttp.ClientTimeout(
            total=None, connect=_CONNECT_SECONDS, sock_read=request.seconds
        )
        async with self._answer(request, limits) as answer:
            yield answer.content

    @asynccontextmanager
    async def channels(
        self, path: str, query: Sequence[tuple[str, str]]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A connection to a container of a pod, with its channels: the first byte of a message."""
        headers = {**await self._headers(Request("GET", path, {})), "Accept": "*/*"}
        try:
            open_client: Any = WsApiClient
            async with open_client(self._configuration) as client:
                opening = await client.request(
                    "GET",
                    self._configuration.host + path,
                    query_params=query,
                    headers=headers,
                    _preload_content=False,
                )
                async with opening as socket:
                    yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise from_answer(error.status, b"", error.headers or {}) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(
                f"the connection failed ({type(error).__name__}): {error}"
            ) from error

    @asynccontextmanager
    async def _answer(
        self, request: Request, limits: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = self._configuration.host + request.path
        if request.query:
            url += "?" + urlencode(request.query)
        try:
            response = await self._rest.request(
                request.method,
                URL(url, encoded=True),
                headers=await self._headers(request),
                body=request.body,
                _request_timeout=limits,
            )
            async with response.response as answer:
                if answer.status >= 300:
                    error = from_answer(answer.status, await answer.read(), answer.headers)
                    if isinstance(error, Unauthorized) and self._token is not None:
                        self._token.expire()
                    raise error
                yield answer
        except TimeoutError as error:
            raise TransientError(f"no answer within {request.seconds:.0f} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransientError(
                f"the connection failed ({type(error).__name__}): {error}"
            ) from error

    async def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "Accept": JSON,
            "Content-Type": request.content_type,
            "User-Agent": self._user_agent,
        }
        credential = await self._configuration.get_api_key_with_prefix("BearerToken")
        if credential:
            headers["Authorization"] = credential
        return headers
