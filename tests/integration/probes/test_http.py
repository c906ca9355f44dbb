"""The http and tcp probes against servers that behave, and that misbehave in one way each."""

import asyncio
import datetime
import gzip
import resource
import ssl
from collections.abc import Awaitable, Callable

import pytest
import trustme
from aiohttp import web

from resilience_operator.api.v1alpha1.base import SecretKeyRef, SecretRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import (
    Connection,
    HttpHeader,
    HttpMethod,
    HttpProbe,
    StatusRange,
    TcpProbe,
    TlsOptions,
)
from resilience_operator.core.model import Verdict
from resilience_operator.probes.guard import AddressGuard
from tests.integration.probes.conftest import Bench, BenchFactory
from tests.integration.probes.processes import free_port
from tests.integration.probes.stubs import floods, http_server, raw_server, reset, says, silence

CA_REF = SecretKeyRef(name="ca", key="ca-crt")


def answering(
    status: int = 200, body: str | bytes = "ok", **headers: str
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        data = body if isinstance(body, bytes) else body.encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=data, headers=named)

    return handler


@pytest.mark.parametrize(
    ("status", "headers", "reason", "said"),
    [
        (200, {}, None, "HTTP 200."),
        (204, {}, None, "HTTP 204."),
        (302, {"Location": "/elsewhere"}, Reason.BAD_STATUS, "HTTP 302"),
        (401, {}, Reason.AUTH, "HTTP 401"),
        (403, {}, Reason.AUTH, "HTTP 403"),
        (429, {"Retry_After": "17"}, Reason.RATE_LIMITED, "after 17 s"),
        (429, {"Retry_After": "canary"}, Reason.RATE_LIMITED, "rate limited."),
        (500, {}, Reason.BAD_STATUS, "HTTP 500"),
    ],
)
async def test_statuses(
    bench: Bench, status: int, headers: dict[str, str], reason: Reason | None, said: str
) -> None:
    async with http_server(answering(status, **headers)) as port:
        for method in (HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST):
            spec = HttpProbe(url=f"http://127.0.0.1:{port}/", method=method)
            result = await bench.ask(spec)
            assert result.reason is reason
            assert said in result.message
            assert "canary" not in result.message


async def test_accepted_statuses(bench: Bench) -> None:
    accepted = (StatusRange(min=404, max=404), StatusRange(min=500, max=599))
    async with http_server(answering(503)) as port:
        spec = HttpProbe(url=f"http://localhost:{port}/", accepted_statuses=accepted)
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("pattern", "body", "reason"),
    [
        ("^status: (ok|fine)$", "status: ok", None),
        ("fällt", "es fällt nichts", None),
        ("status: ok", "status: canary", Reason.BAD_BODY),
        ("needle", "x" * 65_536 + "needle", Reason.BAD_BODY),
        ("needle", "x" * 65_530 + "needle", None),
        ("(x+x+)+y", "x" * 1_000_000, Reason.BAD_BODY),
        ("(a?){999}b", "a" * 65_536, Reason.CONFIG_INVALID),
        ("a{60000}", "a", Reason.CONFIG_INVALID),
        ("(", "(", Reason.CONFIG_INVALID),
    ],
)
async def test_bodies(bench: Bench, pattern: str, body: str, reason: Reason | None) -> None:
    async with http_server(answering(body=body)) as port:
        spec = HttpProbe(url=f"http://127.0.0.1:{port}/", body_regexp=pattern)
        result = await bench.ask(spec, 10)
    assert result.reason is reason, result
    assert "canary" not in result.message


async def test_a_compressed_body_is_not_unpacked(bench: Bench) -> None:
    bomb = gzip.compress(b"needle" * 10_000_000)
    async with http_server(answering(body=bomb, Content_Encoding="gzip")) as port:
        spec = HttpProbe(url=f"http://127.0.0.1:{port}/", body_regexp="needle")
        assert (await bench.ask(spec)).reason is Reason.BAD_BODY


async def test_an_endless_body_is_not_waited_for(bench: Bench) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1024)
                await asyncio.sleep(0)
        except (ConnectionError, asyncio.CancelledError):
            return response

    async with http_server(endless) as port:
        for pattern, reason in ((None, None), ("needle", Reason.BAD_BODY)):
            spec = HttpProbe(url=f"http://127.0.0.1:{port}/", body_regexp=pattern)
            assert (await bench.ask(spec)).reason is reason


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (silence, Reason.TIMEOUT),
        (reset, Reason.RESET),
        (says(b""), Reason.RESET),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), Reason.RESET),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), Reason.PROTOCOL),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), Reason.PROTOCOL),
        (floods(b"HTTP/1.1 103 Early Hints\r\n\r\n"), Reason.PROTOCOL),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 404 N\r\n\r\n"), Reason.BAD_STATUS),
    ],
)
async def test_network_failures(bench: Bench, server: object, reason: Reason) -> None:
    async with raw_server(server) as port:  # type: ignore[arg-type]
        spec = HttpProbe(url=f"http://127.0.0.1:{port}/", body_regexp="ok")
        # Only silence is to run into the time limit, however slow the machine is.
        result = await bench.ask(spec, 0.5 if reason is Reason.TIMEOUT else 20.0)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    assert not bench.faults


@pytest.mark.parametrize(
    ("url", "verdict", "reason"),
    [
        ("http://127.0.0.1:1/", Verdict.UNHEALTHY, Reason.REFUSED),
        ("http://no-such-host.invalid/", Verdict.UNHEALTHY, Reason.DNS),
        (f"http://{'x' * 64}.invalid/", Verdict.UNHEALTHY, Reason.DNS),
        ("http://169.254.169.254/latest/meta-data/", Verdict.UNKNOWN, Reason.ADDRESS_REFUSED),
        ("http://[::ffff:169.254.169.254]/", Verdict.UNKNOWN, Reason.ADDRESS_REFUSED),
        ("http://[::1]:1/", Verdict.UNKNOWN, Reason.ADDRESS_REFUSED),
        ("http://2852039166/", Verdict.UNKNOWN, Reason.CONFIG_INVALID),
        ("http://127.0.0.1:99999/", Verdict.UNKNOWN, Reason.CONFIG_INVALID),
        ("http://[db]/", Verdict.UNKNOWN, Reason.CONFIG_INVALID),
        ("http://d\u2100b/", Verdict.UNKNOWN, Reason.CONFIG_INVALID),
    ],
)
async def test_urls(bench: Bench, url: str, verdict: Verdict, reason: Reason) -> None:
    result = await bench.ask(HttpProbe(url=url))
    assert (result.verdict, result.reason) == (verdict, reason), result
    assert not bench.faults


async def test_loopback_is_refused_unless_allowed(make_bench: BenchFactory) -> None:
    bench = make_bench(AddressGuard())
    async with http_server(answering()) as port:
        for spec in (
            HttpProbe(url=f"http://127.0.0.1:{port}/"),
            HttpProbe(url=f"http://localhost:{port}/"),
            TcpProbe(address=f"localhost:{port}"),
            TcpProbe(address=f"127.0.0.1:{port}"),
        ):
            assert (await bench.ask(spec)).reason is Reason.ADDRESS_REFUSED


async def test_redirects(bench: Bench) -> None:
    seen: list[tuple[str, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers.get("X-Key")))
        target = {
            "/start": "/middle",
            "/middle": f"http://localhost:{other}/abroad",
            "/abroad": f"http://user:pass@127.0.0.1:{port}/end",
            "/loop": "/loop",
            "/metadata": "http://169.254.169.254/",
            "/file": "file:///etc/passwd",
        }.get(request.path)
        if target is None:
            assert "Authorization" not in request.headers
            return web.Response()
        return web.Response(status=302, headers={"Location": target})

    header = HttpHeader(name="X-Key", secret_ref=SecretKeyRef(name="key", key="value"))
    bench.secrets.put("key", value="canary-header")

    async def ask(path: str) -> object:
        spec = HttpProbe(
            url=f"http://127.0.0.1:{port}{path}", headers=(header,), follow_redirects=True
        )
        return (await bench.ask(spec)).reason

    async with http_server(handler) as port, http_server(handler) as other:
        assert await ask("/start") is None
        assert seen == [
            ("/start", "canary-header"),
            ("/middle", "canary-header"),
            ("/abroad", None),
            ("/end", None),
        ]
        assert await ask("/loop") is Reason.BAD_STATUS
        assert await ask("/metadata") is Reason.ADDRESS_REFUSED
        assert await ask("/file") is Reason.PROTOCOL


async def test_a_header_host_is_for_the_policys_own_host(bench: Bench) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.host)
        if request.path == "/end":
            return web.Response()
        target = f"http://localhost:{port}/end" if request.path == "/middle" else "/middle"
        return web.Response(status=302, headers={"Location": target})

    async with http_server(handler) as port:
        spec = HttpProbe(
            url=f"http://127.0.0.1:{port}/",
            headers=(HttpHeader(name="Host", value="shop.example"),),
            follow_redirects=True,
        )
        assert (await bench.ask(spec)).reason is None
        assert seen == ["shop.example", "shop.example", f"localhost:{port}"]


@pytest.mark.parametrize(
    ("name", "value"), [("Content-Length", "30"), ("transfer-encoding", "chunked")]
)
async def test_no_header_makes_the_next_request_part_of_this_one(
    bench: Bench, name: str, value: str
) -> None:
    async with http_server(answering()) as port:
        plain = HttpHeader(name=name, value=value)
        secret = HttpHeader(name=name, secret_ref=SecretKeyRef(name="key", key="value"))
        bench.secrets.put("key", value=value)
        for header in (plain, secret):
            result = await bench.ask(HttpProbe(url=f"http://127.0.0.1:{port}/", headers=(header,)))
            assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.CONFIG_INVALID)
            assert name in result.message
            other = await bench.ask(HttpProbe(url=f"http://127.0.0.1:{port}/other"))
            assert other.verdict is Verdict.HEALTHY


async def test_connections_are_reused_unless_fresh(bench: Bench) -> None:
    peers: set[object] = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    async with http_server(handler) as port:
        for connection, count in ((Connection.REUSE, 1), (Connection.FRESH, 5)):
            peers.clear()
            spec = HttpProbe(url=f"http://127.0.0.1:{port}/", connection=connection)
            for _ in range(5):
                assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
            assert len(peers) == count


def server_context(
    certificate: trustme.LeafCert, client_ca: trustme.CA | None = None
) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        client_ca.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def trust(bench: Bench, ca: trustme.CA) -> None:
    bench.secrets.put("ca", ca_crt=ca.cert_pem.bytes().decode())


async def test_tls(bench: Bench, ca: trustme.CA) -> None:
    trust(bench, ca)
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5, hours=1)
    good = ca.issue_cert("localhost", not_after=soon)
    cases = [
        (good, TlsOptions(ca_secret_ref=CA_REF), None, "HTTP 200."),
        (good, TlsOptions(ca_secret_ref=CA_REF, warn_days=30), None, "expires in 5 days"),
        (good, None, Reason.TLS, "not trusted"),
        (good, TlsOptions(ca_secret_ref=CA_REF, server_name="db"), Reason.TLS, "another name"),
        (ca.issue_cert("db"), TlsOptions(ca_secret_ref=CA_REF), Reason.TLS, "another name"),
        (ca.issue_cert("db"), TlsOptions(ca_secret_ref=CA_REF, server_name="db"), None, ""),
        (ca.issue_cert("localhost", not_before=past, not_after=past + datetime.timedelta(days=1)),
         TlsOptions(ca_secret_ref=CA_REF), Reason.TLS, "expired"),
    ]  # fmt: skip
    for certificate, options, reason, said in cases:
        for method in (HttpMethod.GET, HttpMethod.HEAD):
            async with http_server(answering(), server_context(certificate)) as port:
                url = f"https://localhost:{port}/"
                result = await bench.ask(HttpProbe(url=url, tls=options, method=method))
            assert result.reason is reason, result
            assert said in result.message


async def test_tls_with_a_server_that_speaks_none(bench: Bench) -> None:
    async with http_server(answering()) as port:
        result = await bench.ask(HttpProbe(url=f"https://127.0.0.1:{port}/"))
    assert result.reason is Reason.TLS


async def test_a_client_certificate(bench: Bench, ca: trustme.CA) -> None:
    trust(bench, ca)
    client = ca.issue_cert("client@example.com")
    bench.secrets.data["client"] = {
        "tls.crt": client.cert_chain_pems[0].bytes(),
        "tls.key": client.private_key_pem.bytes(),
    }
    tls = TlsOptions(ca_secret_ref=CA_REF, client_secret_ref=SecretRef(name="client"))
    context = server_context(ca.issue_cert("localhost"), client_ca=ca)
    async with http_server(answering(), context) as port:
        spec = HttpProbe(url=f"https://localhost:{port}/", tls=tls)
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        bare = HttpProbe(url=f"https://localhost:{port}/", tls=TlsOptions(ca_secret_ref=CA_REF))
        assert (await bench.ask(bare)).verdict is Verdict.UNHEALTHY


@pytest.mark.parametrize("name", ["ca", "client"])
async def test_certificates_that_are_none(bench: Bench, ca: trustme.CA, name: str) -> None:
    trust(bench, ca)
    bench.secrets.data["client"] = {"tls.crt": b"canary", "tls.key": b"canary"}
    if name == "ca":
        bench.secrets.put("ca", ca_crt="canary")
    tls = TlsOptions(ca_secret_ref=CA_REF, client_secret_ref=SecretRef(name="client"))
    result = await bench.ask(HttpProbe(url="https://127.0.0.1:1/", tls=tls))
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.SECRET_INVALID)
    assert "canary" not in result.message


async def test_headers_and_rotation(bench: Bench) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.headers.get("X-Key") == "new" else 401)

    spec_headers = (
        HttpHeader(name="X-Key", secret_ref=SecretKeyRef(name="key", key="value")),
        HttpHeader(name="X-Plain", value="plain"),
    )
    async with http_server(handler) as port:
        spec = HttpProbe(url=f"http://127.0.0.1:{port}/", headers=spec_headers)
        assert (await bench.ask(spec)).reason is Reason.SECRET_MISSING
        bench.secrets.put("key", other="x")
        bench.advance(6)
        assert (await bench.ask(spec)).reason is Reason.SECRET_INVALID
        bench.secrets.put("key", value="old\n")
        bench.prober.invalidate("retail", "key")
        assert (await bench.ask(spec)).reason is Reason.AUTH
        bench.secrets.put("key", value="new")
        bench.advance(2)
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY


async def test_tcp(bench: Bench) -> None:
    async with raw_server(silence) as port:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            result = await bench.ask(TcpProbe(address=f"{host}:{port}"))
            assert result.verdict is Verdict.HEALTHY, result
    for address, reason in (
        (f"127.0.0.1:{free_port()}", Reason.REFUSED),
        ("no-such-host.invalid:80", Reason.DNS),
    ):
        assert (await bench.ask(TcpProbe(address=address))).reason is reason


async def test_no_file_descriptor_left_is_our_own_failure(bench: Bench) -> None:
    async with raw_server(silence) as port:
        specs = (
            TcpProbe(address=f"127.0.0.1:{port}"),
            HttpProbe(url=f"http://127.0.0.1:{port}/"),
        )
        for spec in specs:
            await bench.ask(spec, 0.2)  # so that everything is imported
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            results = [await bench.ask(spec, 1) for spec in specs]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for result in results:
        assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.LOCAL_NETWORK), result
