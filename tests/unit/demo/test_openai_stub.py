"""The stand-in for the AI API: its key, its two endpoints, and breaking it on command."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from e2e.demo.openai_stub.server import create_app
from tests.unit.demo.conftest import Client

KEY = {"Authorization": "Bearer secret"}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def client(aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    """A stub whose slow answers take five seconds."""
    return await aiohttp_client(create_app("secret", slow_seconds=5.0))


async def set_mode(client: Client, mode: str) -> None:
    response = await client.post("/control", json={"mode": mode})
    assert await response.json() == {"mode": mode}


async def test_models(client: Client) -> None:
    response = await client.get("/v1/models", headers=KEY)
    assert response.status == 200
    assert response.headers["x-ratelimit-remaining-requests"] == "499"
    assert [model["object"] for model in (await response.json())["data"]] == ["model"]


async def test_completion(client: Client) -> None:
    response = await client.post("/v1/chat/completions", headers=KEY, json=CHAT)
    body = await response.json()
    assert body["object"] == "chat.completion"
    assert body["model"] == "gpt-4o-mini"
    assert body["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model": "x"}'])
async def test_a_completion_needs_a_model_and_messages(client: Client, body: bytes) -> None:
    response = await client.post("/v1/chat/completions", headers=KEY, data=body)
    assert response.status == 400


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_a_wrong_key_is_refused(client: Client, headers: dict[str, str]) -> None:
    response = await client.get("/v1/models", headers=headers)
    assert response.status == 401
    assert (await response.json())["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(("mode", "status"), [("error", 500), ("ratelimit", 429), ("auth", 401)])
async def test_breaks_on_command_and_recovers(client: Client, mode: str, status: int) -> None:
    await set_mode(client, mode)
    assert (await client.get("/v1/models", headers=KEY)).status == status
    assert (await client.get("/healthz")).status == 200
    await set_mode(client, "ok")
    assert (await client.get("/v1/models", headers=KEY)).status == 200


async def test_a_rate_limit_says_when_to_come_back(client: Client) -> None:
    await set_mode(client, "ratelimit")
    response = await client.get("/v1/models", headers=KEY)
    assert response.headers["Retry-After"] == "20"
    assert response.headers["x-ratelimit-remaining-requests"] == "0"


async def test_slow_is_slow(client: Client) -> None:
    await set_mode(client, "slow")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.get("/v1/models", headers=KEY), timeout=0.1)


async def test_an_unknown_mode_is_refused(client: Client) -> None:
    wrong: tuple[object, ...] = ({"mode": "explode"}, {"mode": 3}, {}, [])
    for body in wrong:
        assert (await client.post("/control", json=body)).status == 400
    assert await (await client.get("/control")).json() == {"mode": "ok"}
