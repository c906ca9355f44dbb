"""The redis probe against real servers, and against stubs for what those do not do on demand."""

import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import RedisProbe, RedisRole, TlsOptions
from resilience_operator.core.model import ProbeResult, Verdict
from tests.integration.probes.conftest import Bench
from tests.integration.probes.processes import eventually
from tests.integration.probes.redis_servers import PASSWORD, RedisServers
from tests.integration.probes.stubs import raw_server, reset, says, silence

REF = SecretKeyRef(name="redis", key="url")
CA_REF = SecretKeyRef(name="ca", key="ca-crt")


async def ask(bench: Bench, url: str, timeout_seconds: float = 10, **fields: object) -> ProbeResult:
    bench.secrets.put("redis", url=url)
    bench.prober.invalidate("retail", "redis")
    return await bench.ask(RedisProbe(url_secret_ref=REF, **fields), timeout_seconds)


async def test_healthy(bench: Bench, redis: RedisServers) -> None:
    for url in (
        redis.url(),
        redis.url(path="/3"),
        redis.url(path="?db=3"),
        redis.url(user="pinger"),
    ):
        result = await ask(bench, url)
        assert (result.verdict, result.reason) == (Verdict.HEALTHY, None), result
    assert (await ask(bench, redis.url(), role=RedisRole.MASTER)).verdict is Verdict.HEALTHY
    replica = redis.url(redis.replica)
    assert (await ask(bench, replica, role=RedisRole.REPLICA)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://127.0.0.1:{port}", Reason.AUTH),
        ("redis://:wrong@127.0.0.1:{port}", Reason.AUTH),
        ("redis://nobody:wrong@127.0.0.1:{port}", Reason.AUTH),
        ("redis://:{password}@127.0.0.1:{port}/9999", Reason.NOT_FOUND),
        ("redis://:{password}@127.0.0.1:1", Reason.REFUSED),
        ("redis://:{password}@no-such-host.invalid", Reason.DNS),
    ],
)
async def test_failures(bench: Bench, redis: RedisServers, url: str, reason: Reason) -> None:
    result = await ask(bench, url.format(port=redis.master, password=PASSWORD), 2)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    assert not bench.faults


async def test_roles_and_the_replication_link(bench: Bench, redis: RedisServers) -> None:
    for port, role, reason in (
        (redis.master, RedisRole.REPLICA, Reason.ROLE),
        (redis.replica, RedisRole.MASTER, Reason.ROLE),
        (redis.orphan, RedisRole.REPLICA, Reason.LAG),
    ):
        result = await ask(bench, redis.url(port), role=role)
        assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    forbidden = await ask(bench, redis.url(user="pinger"), role=RedisRole.MASTER)
    assert forbidden.reason is Reason.AUTH


async def test_memory(bench: Bench, redis: RedisServers) -> None:
    assert (await ask(bench, redis.url(), max_memory_percent=1)).verdict is Verdict.HEALTHY
    with redis.admin() as admin:
        admin.config_set("maxmemory", "100mb")
        try:
            high = await ask(bench, redis.url(), max_memory_percent=1)
            low = await ask(bench, redis.url(), max_memory_percent=95)
        finally:
            admin.config_set("maxmemory", "0")
    assert (high.verdict, high.reason) == (Verdict.UNHEALTHY, Reason.MEMORY), high
    assert low.verdict is Verdict.HEALTHY


async def test_tls(bench: Bench, redis: RedisServers) -> None:
    bench.secrets.put("ca", ca_crt=redis.ca.cert_pem.bytes().decode())
    url = redis.url(redis.tls).replace("redis://", "rediss://")
    trusting = TlsOptions(ca_secret_ref=CA_REF, warn_days=365)
    result = await ask(bench, url, tls=trusting)
    assert result.verdict is Verdict.HEALTHY, result
    assert (await ask(bench, url)).reason is Reason.TLS
    wrong = TlsOptions(ca_secret_ref=CA_REF, server_name="db")
    assert (await ask(bench, url, tls=wrong)).reason is Reason.TLS


async def test_the_connection_is_kept_and_replaced_when_cut(
    bench: Bench, redis: RedisServers
) -> None:
    spec = RedisProbe(url_secret_ref=REF)
    bench.secrets.put("redis", url=redis.url(user="pinger"))
    with redis.admin() as admin:

        def ids() -> list[str]:
            return [c["id"] for c in admin.client_list() if c["user"] == "pinger"]

        await eventually(lambda: not ids())
        for _ in range(3):
            assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        (kept,) = ids()
        admin.client_kill_filter(_id=kept)
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        (fresh,) = ids()
        assert fresh != kept
        await bench.prober.forget("retail", spec)
        await eventually(lambda: not ids())


async def test_a_server_that_hangs(bench: Bench, redis: RedisServers) -> None:
    spec = RedisProbe(url_secret_ref=REF)
    bench.secrets.put("redis", url=redis.url())
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
    with redis.admin() as admin:
        admin.client_pause(1_000)
        assert (await bench.ask(spec, 0.3)).reason is Reason.TIMEOUT
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY


async def test_a_server_that_has_no_client_left(bench: Bench, redis: RedisServers) -> None:
    with redis.admin(redis.orphan) as admin:
        before = admin.config_get("maxclients")["maxclients"]
        admin.config_set("maxclients", 1)
        try:
            result = await ask(bench, redis.url(redis.orphan))
        finally:
            admin.config_set("maxclients", before)
    assert result.reason is Reason.REFUSED, result


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (silence, Reason.TIMEOUT),
        (reset, Reason.RESET),
        (says(b""), Reason.RESET),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.PROTOCOL),
        (says(b"$999999999\r\n"), Reason.PROTOCOL),
        (says(b"+" + b"x" * 100_000), Reason.PROTOCOL),
        (says(b"-LOADING Redis is loading canary\r\n"), Reason.REFUSED),
        (says(b"-MASTERDOWN canary\r\n"), Reason.LAG),
        (says(b"-MISCONF canary\r\n"), Reason.READ_ONLY),
        (says(b"-OOM canary\r\n"), Reason.MEMORY),
        (says(b"-DENIED canary\r\n"), Reason.AUTH),
        (says(b"-ERR canary\r\n"), Reason.QUERY),
    ],
)
async def test_answers(bench: Bench, server: object, reason: Reason) -> None:
    async with raw_server(server) as port:  # type: ignore[arg-type]
        result = await ask(bench, f"redis://127.0.0.1:{port}", 0.5)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    assert "canary" not in result.message


async def test_a_rotated_password(bench: Bench, redis: RedisServers) -> None:
    spec = RedisProbe(url_secret_ref=REF)
    bench.secrets.put("redis", url=f"redis://:old@127.0.0.1:{redis.master}")
    assert (await bench.ask(spec)).reason is Reason.AUTH
    bench.secrets.put("redis", url=redis.url())
    bench.advance(2)
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
