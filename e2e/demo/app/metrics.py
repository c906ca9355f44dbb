"""Request metrics, and the middleware that counts, slows down and fails requests."""

import asyncio
import random
import time
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from .settings import Settings

UNMEASURED = frozenset({"/healthz", "/metrics"})
UNKNOWN_PATH = "unknown"
USUAL_CODES = ("200", "500")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one application instance."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._version = version
        self._requests = Counter(
            "http_requests", "Requests answered.", ["code", "path", "version"],
            registry=self._registry,
        )  # fmt: skip
        self._duration = Histogram(
            "http_request_duration_seconds", "Time to answer a request.", ["path", "version"],
            buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip

    def announce(self, paths: Iterable[str]) -> None:
        """Start these routes' counters at zero: a rate cannot see the step that makes a series.

        A release without a single failure then has a failure rate of 0, rather than none.
        """
        for path in frozenset(paths) - UNMEASURED:
            for code in USUAL_CODES:
                self._requests.labels(code, path, self._version)
            self._duration.labels(path, self._version)

    def observe(self, path: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(str(code), path, self._version).inc()
        self._duration.labels(path, self._version).observe(seconds)

    def response(self) -> web.Response:
        """The metrics in Prometheus's text format."""
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self._registry), headers=headers)


def measuring(metrics: Metrics) -> Middleware:
    """A middleware that counts every request of a user."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in UNMEASURED:
            return await handler(request)
        started = time.perf_counter()
        code = 500
        try:
            response = await handler(request)
            code = response.status
        except web.HTTPException as error:
            code = error.status
            raise
        finally:
            metrics.observe(_route(request), code, time.perf_counter() - started)
        return response

    return middleware


def misbehaving(settings: Settings) -> Middleware:
    """A middleware that makes a bad release: slow, or failing for a share of the requests."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in UNMEASURED:
            return await handler(request)
        if settings.delay_milliseconds:
            await asyncio.sleep(settings.delay_milliseconds / 1000)
        if random.random() * 100 < settings.error_percent:
            return web.json_response({"error": "this release is broken on purpose"}, status=500)
        return await handler(request)

    return middleware


def _route(request: web.Request) -> str:
    """The route's pattern, so that made-up paths cannot make labels."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else UNKNOWN_PATH
