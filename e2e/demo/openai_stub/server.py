"""The stub's HTTP API: two endpoints of the real one, and a control endpoint to break them."""

import asyncio
import hmac
import time
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from itertools import count

from aiohttp import web
from aiohttp.typedefs import Handler

MODEL = "gpt-4o-mini"
DEFAULT_SLOW_SECONDS = 10.0


class Mode(StrEnum):
    """How the stub behaves towards a caller with the right key."""

    OK = "ok"
    ERROR = "error"
    SLOW = "slow"
    RATELIMIT = "ratelimit"
    AUTH = "auth"


@dataclass
class Behaviour:
    """The stub's present mode."""

    api_key: str
    slow_seconds: float = DEFAULT_SLOW_SECONDS
    mode: Mode = Mode.OK


BEHAVIOUR = web.AppKey("behaviour", Behaviour)
_answers = count(1)


def create_app(api_key: str, slow_seconds: float = DEFAULT_SLOW_SECONDS) -> web.Application:
    """The stub, in mode ok."""
    app = web.Application(middlewares=[_behave])
    app[BEHAVIOUR] = Behaviour(api_key, slow_seconds)
    app.add_routes([
        web.get("/v1/models", _models),
        web.post("/v1/chat/completions", _completions),
        web.get("/control", _show_mode),
        web.post("/control", _set_mode),
        web.get("/healthz", _healthz),
    ])  # fmt: skip
    return app


def _error(status: HTTPStatus, message: str, kind: str, **headers: str) -> web.Response:
    """An error in the API's own shape."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": kind}}
    return web.json_response(body, status=status, headers=headers)


@web.middleware
async def _behave(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith("/v1/"):
        return await handler(request)
    behaviour = request.app[BEHAVIOUR]
    refusal = _refusal(behaviour, request.headers.get("Authorization", ""))
    if refusal is not None:
        return refusal
    if behaviour.mode is Mode.SLOW:
        await asyncio.sleep(behaviour.slow_seconds)
    return await handler(request)


def _refusal(behaviour: Behaviour, authorization: str) -> web.Response | None:
    expected = f"Bearer {behaviour.api_key}".encode()
    authorized = hmac.compare_digest(authorization.encode(), expected)
    if behaviour.mode is Mode.ERROR:
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "The server had an error.", "server_error")
    if behaviour.mode is Mode.AUTH or not authorized:
        return _error(HTTPStatus.UNAUTHORIZED, "Incorrect API key provided.", "invalid_api_key")
    if behaviour.mode is Mode.RATELIMIT:
        return _error(
            HTTPStatus.TOO_MANY_REQUESTS, "Rate limit reached.", "rate_limit_exceeded",
            **_rate_limit_headers(remaining=0), **{"Retry-After": "20"},
        )  # fmt: skip
    return None


def _rate_limit_headers(remaining: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-reset-requests": "20s",
    }


async def _models(_: web.Request) -> web.Response:
    model = {"id": MODEL, "object": "model", "created": 1_721_172_741, "owned_by": "system"}
    body = {"object": "list", "data": [model]}
    return web.json_response(body, headers=_rate_limit_headers(remaining=499))


async def _completions(request: web.Request) -> web.Response:
    asked = await _json_object(request)
    if not isinstance(asked.get("messages"), list) or not isinstance(asked.get("model"), str):
        message = "You must provide a model and messages."
        return _error(HTTPStatus.BAD_REQUEST, message, "invalid_request_error")
    answer = {"role": "assistant", "content": "You have 412 products in stock."}
    body = {
        "id": f"chatcmpl-{next(_answers)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked["model"],
        "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16},
    }
    return web.json_response(body, headers=_rate_limit_headers(remaining=499))


async def _show_mode(request: web.Request) -> web.Response:
    return web.json_response({"mode": request.app[BEHAVIOUR].mode})


async def _set_mode(request: web.Request) -> web.Response:
    wanted = (await _json_object(request)).get("mode")
    if not isinstance(wanted, str) or wanted not in list(Mode):
        return web.json_response({"error": f"mode is one of {', '.join(Mode)}"}, status=400)
    request.app[BEHAVIOUR].mode = Mode(wanted)
    return web.json_response({"mode": wanted})


async def _json_object(request: web.Request) -> dict[str, object]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
