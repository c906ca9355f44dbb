"""Nothing confidential reaches a result, a reported fault or a log, however a probe fails."""

import logging

import pytest
from aiohttp import web

from resilience_operator.api.v1alpha1.base import SecretKeyRef, SecretRef
from resilience_operator.api.v1alpha1.probes import (
    AnyProbe,
    HttpHeader,
    HttpProbe,
    OpenAIMode,
    OpenAIProbe,
    PostgresProbe,
    RedisProbe,
    S3Mode,
    S3Probe,
)
from tests.integration.probes.conftest import Bench
from tests.integration.probes.stubs import OnConnect, http_server, raw_server, reset, says, silence

CANARY = "canary"  # part of every secret and of every answer

SERVERS: dict[str, OnConnect] = {
    "silence": silence,
    "reset": reset,
    "closed": says(b""),
    "bytes": says(b"\x00\xffcanary\r\n"),
    "resp error": says(b"-ERR canary-answer\r\n"),
    "resp code": says(b"-canary canary-answer\r\n"),
    "http": says(b"HTTP/1.1 418 canary\r\nX: canary\r\nContent-Length: 6\r\n\r\ncanary"),
    "bad http": says(b"HTTP/1.1 canary canary\r\n\r\n"),
    "redirect": says(b"HTTP/1.1 302 F\r\nLocation: http://u:canary@\x00canary:1/\r\n\r\n"),
    "postgres error": says(b"E\0\0\0\x31SFATAL\0VFATAL\0Ccanar\0Mcanary-answer canary-a\0\0"),
    "postgres rules": says(b"EFATAL: canary-answer\0"),
}


def fill(bench: Bench, port: int) -> list[AnyProbe]:
    """Secrets with a canary in each, and probes of every type that use them."""
    bench.secrets.put("http", token=f"token-{CANARY}")
    bench.secrets.put("openai", api_key=f"sk-{CANARY}")
    bench.secrets.put(
        "pg", dsn=f"postgresql://u{CANARY}:p{CANARY}@127.0.0.1:{port}/d{CANARY}?sslmode=disable"
    )
    bench.secrets.put("redis", url=f"redis://u{CANARY}:p{CANARY}@127.0.0.1:{port}/1")
    bench.secrets.put(
        "s3",
        access_key_id=f"AK{CANARY}",
        secret_access_key=f"SK{CANARY}",
        session_token=f"T{CANARY}",
    )
    base = f"http://127.0.0.1:{port}"
    header = HttpHeader(name="X-Token", secret_ref=SecretKeyRef(name="http", key="token"))
    api_key = SecretKeyRef(name="openai", key="api-key")
    credentials = SecretRef(name="s3")
    return [
        HttpProbe(url=base, headers=(header,), follow_redirects=True, body_regexp="ok"),
        OpenAIProbe(base_url=base, api_key_secret_ref=api_key, model="m"),
        OpenAIProbe(
            base_url=base, api_key_secret_ref=api_key, mode=OpenAIMode.COMPLETION, model="m"
        ),
        PostgresProbe(dsn_secret_ref=SecretKeyRef(name="pg", key="dsn")),
        RedisProbe(url_secret_ref=SecretKeyRef(name="redis", key="url")),
        S3Probe(endpoint=base, bucket="bucket", credentials_secret_ref=credentials),
        S3Probe(
            endpoint=base,
            bucket="bucket",
            credentials_secret_ref=credentials,
            mode=S3Mode.CANARY_OBJECT,
        ),
    ]


async def assert_nothing_is_told(bench: Bench, port: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for spec in fill(bench, port):
        result = await bench.ask(spec, 0.5)
        assert result.message
        assert CANARY not in repr(result)
        await bench.prober.forget("retail", spec)
    for fault in bench.faults:
        assert CANARY not in f"{fault!r} {fault.__cause__!r} {fault.__context__!r}"
    assert CANARY not in logged(caplog)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, but for the servers of the test itself, which run in this process."""
    theirs = ("aiohttp.server", "aiohttp.access")
    return "\n".join(
        f"{record.getMessage()} {record.exc_info} {record.exc_text}"
        for record in caplog.records
        if record.name not in theirs
    )


@pytest.mark.parametrize("name", SERVERS)
async def test_servers_that_fail(bench: Bench, caplog: pytest.LogCaptureFixture, name: str) -> None:
    async with raw_server(SERVERS[name]) as port:
        await assert_nothing_is_told(bench, port, caplog)


async def test_a_refused_connection(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await assert_nothing_is_told(bench, 1, caplog)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
async def test_servers_that_echo(
    bench: Bench, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    async def echo(request: web.Request) -> web.Response:
        told = str(dict(request.headers))
        return web.Response(status=status, reason=CANARY, text=told, headers={"Retry-After": told})

    async with http_server(echo) as port:
        await assert_nothing_is_told(bench, port, caplog)


async def test_secrets_that_are_garbage(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for spec in fill(bench, 1):
        for value in (b"canary", b"\xffcanary", b"canary\ncanary", b"canary://canary:canary@x"):
            for data in bench.secrets.data.values():
                data.update(dict.fromkeys(data, value))
            bench.advance(400)
            result = await bench.ask(spec, 0.5)
            assert CANARY not in repr(result)
    for fault in bench.faults:
        assert CANARY not in repr(fault)
    assert CANARY not in logged(caplog)
