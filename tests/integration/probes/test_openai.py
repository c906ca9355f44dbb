"""The openai probe against a stand-in for the API."""

import json
from typing import Any

import pytest
from aiohttp import web

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import OpenAIMode, OpenAIProbe
from resilience_operator.core.model import Verdict
from tests.integration.probes.conftest import Bench
from tests.integration.probes.stubs import http_server, raw_server, says, silence

KEY = "sk-canary-openai"
REF = SecretKeyRef(name="openai", key="api-key")
DAY = 86_400


class Api:
    """An API of two models, counting what it is asked; `status` and `body` override the answer."""

    def __init__(self) -> None:
        self.completions: list[dict[str, Any]] = []
        self.lists = 0
        self.status = 200
        self.body: Any = None
        self.headers: dict[str, str] = {}
        self.renamed_limit = False

    async def __call__(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": f"bad key {KEY}"}}, status=401)
        if self.status != 200 or self.body is not None:
            text = self.body if isinstance(self.body, str) else json.dumps(self.body)
            return web.Response(status=self.status, text=text, headers=self.headers)
        if request.path == "/v1/models":
            self.lists += 1
            return web.json_response({"data": [{"id": "small"}, {"id": "large"}]})
        if request.path == "/v1/chat/completions" and request.method == "POST":
            return self._complete(await request.json())
        return web.json_response({}, status=404)

    def _complete(self, asked: dict[str, Any]) -> web.Response:
        if self.renamed_limit and "max_tokens" in asked:
            return web.json_response({"error": {"code": "unsupported_parameter"}}, status=400)
        if asked["model"] not in ("small", "large"):
            return web.json_response({"error": {"code": "model_not_found"}}, status=404)
        self.completions.append(asked)
        return web.json_response({"choices": [{"message": {"content": "canary"}}]})


@pytest.fixture
def api() -> Api:
    return Api()


def probe(port: int, **fields: object) -> OpenAIProbe:
    return OpenAIProbe(base_url=f"http://127.0.0.1:{port}/v1", api_key_secret_ref=REF, **fields)


@pytest.fixture(autouse=True)
def key(bench: Bench) -> None:
    bench.secrets.put("openai", api_key=KEY)


async def test_models(bench: Bench, api: Api) -> None:
    async with http_server(api) as port:
        for model, reason in ((None, None), ("small", None), ("absent", Reason.NOT_FOUND)):
            result = await bench.ask(probe(port, model=model))
            assert result.reason is reason, result
    assert not api.completions


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason", "said"),
    [
        (401, {}, {}, Reason.AUTH, "401"),
        (403, {}, {}, Reason.AUTH, "403"),
        (404, {}, {}, Reason.NOT_FOUND, "404"),
        (429, {}, {"Retry-After": "20"}, Reason.RATE_LIMITED, "after 20 s"),
        (429, {"error": {"code": "insufficient_quota"}}, {}, Reason.RATE_LIMITED, "quota"),
        (503, "canary", {}, Reason.BAD_STATUS, "503"),
        (200, "<html>canary</html>", {}, Reason.BAD_BODY, "not JSON"),
        (200, "[" * 60_000, {}, Reason.BAD_BODY, "not JSON"),
        (200, [], {}, Reason.BAD_BODY, "not a JSON object"),
        (200, {"canary": 1}, {}, Reason.BAD_BODY, "not a list of models"),
        (200, {"data": "x" * 3_000_000}, {}, Reason.BAD_BODY, "longer"),
        (200, {"data": ["canary", {"id": 7}]}, {}, Reason.NOT_FOUND, "not among"),
        (200, {"data": [{"id": ["canary"]}]}, {}, Reason.NOT_FOUND, "not among"),
    ],
)
async def test_answers(
    bench: Bench,
    api: Api,
    status: int,
    body: object,
    headers: dict[str, str],
    reason: Reason,
    said: str,
) -> None:
    api.status, api.body, api.headers = status, body, headers
    async with http_server(api) as port:
        result = await bench.ask(probe(port, model="small"))
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    assert said in result.message
    assert "canary" not in result.message


async def test_completions_have_a_daily_budget(bench: Bench, api: Api) -> None:
    async with http_server(api) as port:
        spec = probe(port, mode=OpenAIMode.COMPLETION, model="small", max_completions_per_day=2)
        for _ in range(4):
            assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        assert (len(api.completions), api.lists) == (2, 2)
        bench.advance(DAY)
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        assert (len(api.completions), api.lists) == (3, 2)
        absent = probe(port, mode=OpenAIMode.COMPLETION, model="absent")
        assert (await bench.ask(absent)).reason is Reason.NOT_FOUND


async def test_a_server_that_renamed_the_limit(bench: Bench, api: Api) -> None:
    api.renamed_limit = True
    async with http_server(api) as port:
        spec = probe(port, mode=OpenAIMode.COMPLETION, model="large")
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        assert api.completions[0]["max_completion_tokens"] == 1


async def test_a_completion_that_is_none(bench: Bench, api: Api) -> None:
    api.body = {"choices": "canary"}
    async with http_server(api) as port:
        spec = probe(port, mode=OpenAIMode.COMPLETION, model="small")
        assert (await bench.ask(spec)).reason is Reason.BAD_BODY


async def test_a_rotated_key(bench: Bench, api: Api) -> None:
    bench.secrets.put("openai", api_key="sk-old")
    async with http_server(api) as port:
        assert (await bench.ask(probe(port))).reason is Reason.AUTH
        reads = bench.secrets.reads
        assert (await bench.ask(probe(port))).reason is Reason.AUTH
        assert bench.secrets.reads == reads  # read a moment ago: not again
        bench.secrets.put("openai", api_key=KEY)
        bench.advance(2)
        assert (await bench.ask(probe(port))).verdict is Verdict.HEALTHY


async def test_network_failures(bench: Bench) -> None:
    for server, reason in ((silence, Reason.TIMEOUT), (says(b""), Reason.RESET)):
        async with raw_server(server) as port:
            spec = probe(port, mode=OpenAIMode.COMPLETION, model="small")
            seconds = 0.3 if reason is Reason.TIMEOUT else 20.0
            assert (await bench.ask(spec, seconds)).reason is reason
