"""The HTTP side of the application."""

from aiohttp import web

from .features import FEATURES
from .flags import FlagReader
from .metrics import Metrics, measuring, misbehaving
from .page import render
from .settings import Settings

READER = web.AppKey("reader", FlagReader)
SETTINGS = web.AppKey("settings", Settings)
METRICS = web.AppKey("metrics", Metrics)

NO_STORE = {"Cache-Control": "no-store"}


def create_app(settings: Settings) -> web.Application:
    """The application, following its flags file from start to shutdown."""
    metrics = Metrics(settings.version)
    app = web.Application(middlewares=[measuring(metrics), misbehaving(settings)])
    app[SETTINGS] = settings
    app[METRICS] = metrics
    app[READER] = FlagReader(settings.flags_file, settings.poll_milliseconds)
    app.on_startup.append(_start)
    app.on_response_prepare.append(_sign)
    app.on_cleanup.append(_stop)
    app.add_routes([
        web.get("/", _page),
        web.get("/api/flags", _flags),
        web.get("/api/{feature}", _feature),
        web.get("/healthz", _healthz),
        web.get("/metrics", _metrics),
    ])  # fmt: skip
    metrics.announce(resource.canonical for resource in app.router.resources())
    return app


async def _start(app: web.Application) -> None:
    app[READER].start()


async def _stop(app: web.Application) -> None:
    app[READER].stop()


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    """Every answer, also a failed one, says who gave it: what a rollout's traffic is told by."""
    settings = request.app[SETTINGS]
    response.headers["X-Version"] = settings.version
    response.headers["X-Pod"] = settings.pod


async def _page(request: web.Request) -> web.Response:
    settings = request.app[SETTINGS]
    text = render(request.app[READER].snapshot, settings.pod, settings.version)
    return web.Response(text=text, content_type="text/html", headers=NO_STORE)


async def _flags(request: web.Request) -> web.Response:
    snapshot, settings = request.app[READER].snapshot, request.app[SETTINGS]
    body = {
        "level": snapshot.level,
        "health": snapshot.health,
        "generation": snapshot.generation,
        "features": dict(snapshot.features),
        "pod": settings.pod,
        "version": settings.version,
        "readAt": snapshot.read_at,
    }
    return web.json_response(body, headers=NO_STORE)


async def _feature(request: web.Request) -> web.Response:
    """Act as one feature: answer in the way that its state allows."""
    name = request.match_info["feature"]
    feature = FEATURES.get(name)
    if feature is None:
        return web.json_response({"error": f"there is no feature {name}"}, status=404)
    state = request.app[READER].snapshot.features[name]
    body = {"feature": name, "state": state, "answer": feature.answer(state)}
    return web.json_response(body, headers=NO_STORE)


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _metrics(request: web.Request) -> web.Response:
    return request.app[METRICS].response()
