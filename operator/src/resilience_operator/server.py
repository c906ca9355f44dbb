"""/healthz, /readyz and /metrics.

kopf's own health endpoint hangs when a probe handler raises; here a check that raises is itself the
problem reported. Healthy means that this process can do its work; ready, that it knows the cluster,
which a standby replica does as well as the leader.
"""

import asyncio
import gzip
import logging
from collections.abc import Callable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

log = logging.getLogger(__name__)

Check = Callable[[], Sequence[str]]
"""What is wrong at the moment, as sentences; nothing is wrong when it is empty."""

_SHUTDOWN_SECONDS = 2.0


class Server:
    """The operator's HTTP endpoints for the kubelet and Prometheus."""

    def __init__(self, registry: CollectorRegistry, *, healthy: Check, ready: Check) -> None:
        self._registry = registry
        self._healthy = healthy
        self._ready = ready
        self._scrape = asyncio.Lock()
        self._runner: web.AppRunner | None = None

    def build_app(self) -> web.Application:
        """The application, for `start` and for tests."""
        app = web.Application()
        app.router.add_get("/healthz", self._on_healthz)
        app.router.add_get("/readyz", self._on_readyz)
        app.router.add_get("/metrics", self._on_metrics)
        return app

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which the system chooses when it is 0."""
        runner = web.AppRunner(
            self.build_app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, host, port).start()
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and let go of the connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _on_healthz(self, request: web.Request) -> web.Response:
        return _verdict(self._healthy)

    async def _on_readyz(self, request: web.Request) -> web.Response:
        return _verdict(self._ready)

    async def _on_metrics(self, request: web.Request) -> web.Response:
        # A large scrape takes a second of work: in a thread, one at a time, so that probes stay
        # on schedule meanwhile.
        async with self._scrape:
            return await asyncio.to_thread(
                _exposition,
                self._registry,
                request.headers.get("Accept", ""),
                request.headers.get("Accept-Encoding", ""),
            )


def _exposition(registry: CollectorRegistry, accept: str, accept_encoding: str) -> web.Response:
    encode, content_type = choose_encoder(accept)
    headers = {"Content-Type": content_type}
    body = encode(registry)
    if gzip_accepted(accept_encoding):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1)
    return web.Response(body=body, headers=headers)


def _verdict(check: Check) -> web.Response:
    try:
        problems = check()
    except Exception as error:
        log.exception("A health check failed.")
        problems = [f"The check itself failed: {type(error).__name__}."]
    if problems:
        return web.Response(status=503, text="\n".join(problems) + "\n")
    return web.Response(text="ok\n")
