"""The redis probe against real servers, and against stubs for what those do not do on demand."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import RedisProbe, RedisRole, TlsOptions
from resilience_operator.core.model import ProbeResult, Verdict
from resilience_operator.probes.dial import Dialler, Endpoint, Resolver
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.redis_connection import ProbeConnection, Stream
from tests.integration.probes.conftest import Bench, BenchFactory
from tests.integration.probes.processes import eventually
from tests.integration.probes.redis_servers import PASSWORD, RedisServers
from tests.integration.probes.stubs import raw_server, reset, says, script, silence

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
        (says(b"-ERR max number of clients reached\r\n"), Reason.REFUSED),
        (says(b"-BUSY canary\r\n"), Reason.REFUSED),
        (says(b"-READONLY canary\r\n"), Reason.READ_ONLY),
        (says(b"-NOAUTH canary\r\n"), Reason.AUTH),
        (says(b"-WRONGPASS canary\r\n"), Reason.AUTH),
        (says(b"-NOPERM canary\r\n"), Reason.AUTH),
        (says(b"-ERR Client sent AUTH, but no password is set\r\n"), Reason.AUTH),
        (says(b"-ERR DB index is out of range\r\n"), Reason.NOT_FOUND),
        (says(b"-MOVED canary\r\n"), Reason.PROTOCOL),
        (says(b"-CLUSTERDOWN canary\r\n"), Reason.QUERY),
        (says(b"+canary"), Reason.RESET),
        (says(b"$6\r\ncan"), Reason.RESET),
        (says(b"+canary\n"), Reason.PROTOCOL),
        (says(b"+canary\r\n"), Reason.PROTOCOL),
        (says(b":1\r\n"), Reason.PROTOCOL),
        (says(b":canary\r\n"), Reason.PROTOCOL),
        (says(b"$-1\r\n"), Reason.PROTOCOL),
        (says(b"$-9\r\n"), Reason.PROTOCOL),
        (says(b"*0\r\n"), Reason.PROTOCOL),
        (says(b"*999999999\r\n" + b":1\r\n" * 100_000), Reason.PROTOCOL),
        (says(b"*1\r\n" * 100_000), Reason.PROTOCOL),
    ],
)
@pytest.mark.parametrize("secret", ["", ":canary@"])
async def test_answers(bench: Bench, server: object, reason: Reason, secret: str) -> None:
    async with raw_server(server) as port:  # type: ignore[arg-type]
        # Only silence is to run into the time limit, however slow the machine is.
        seconds = 0.5 if reason is Reason.TIMEOUT else 20.0
        result = await ask(bench, f"redis://{secret}127.0.0.1:{port}", seconds)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    assert "canary" not in result.message
    assert not bench.faults


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (b"role:slave", Reason.ROLE),
        (b"role:", Reason.ROLE),
        (b"canary", Reason.ROLE),
        (b"\xff", Reason.ROLE),
        (b"role:master", Reason.PROTOCOL),
        (b"role:master\r\nused_memory:canary\r\nmaxmemory:1", Reason.PROTOCOL),
        (b"role:master\r\nused_memory:2\r\nmaxmemory:1", Reason.MEMORY),
        (b"role:master\r\nused_memory:2\r\nmaxmemory:0", None),
    ],
)
async def test_what_a_server_tells_of_itself(
    bench: Bench, info: bytes, reason: Reason | None
) -> None:
    answer = b"$%d\r\n%s\r\n" % (len(info), info)
    async with raw_server(script([], b"+PONG\r\n", answer, answer)) as port:
        url = f"redis://127.0.0.1:{port}"
        result = await ask(bench, url, role=RedisRole.MASTER, max_memory_percent=50)
    assert result.reason is reason, result
    assert not bench.faults


async def test_what_is_sent(bench: Bench) -> None:
    """The login, the database and the question: nothing of the library's own."""
    sent: list[bytes] = []
    async with raw_server(script(sent, b"+OK\r\n", b"+OK\r\n", b"+PONG\r\n")) as port:
        result = await ask(bench, f"redis://u:p@127.0.0.1:{port}/3")
    assert result.verdict is Verdict.HEALTHY, result
    assert sent == [
        b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n",
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n",
        b"*1\r\n$4\r\nPING\r\n",
    ]


@pytest.mark.parametrize("answer", [b"-LOADING\r\n", b"-ERR canary\r\n", b"", b"canary\r\n"])
async def test_nothing_is_retried(bench: Bench, answer: bytes) -> None:
    """But for the one new connection that confirms a failure on the kept one."""
    sent: list[bytes] = []
    async with raw_server(script(sent, b"+PONG\r\n", answer)) as port:
        url = f"redis://127.0.0.1:{port}"
        assert (await ask(bench, url)).verdict is Verdict.HEALTHY
        assert (await ask(bench, url)).verdict is Verdict.HEALTHY
    assert len(sent) == 3
    sent.clear()
    async with raw_server(script(sent, answer)) as port:
        assert (await ask(bench, f"redis://127.0.0.1:{port}")).verdict is Verdict.UNHEALTHY
    assert len(sent) == 1


async def test_an_address_that_is_refused(make_bench: BenchFactory) -> None:
    bench = make_bench(AddressGuard())
    sent: list[bytes] = []
    async with raw_server(script(sent, b"+PONG\r\n")) as port:
        for scheme, host in (("redis", "127.0.0.1"), ("redis", "localhost"), ("rediss", "[::1]")):
            result = await ask(bench, f"{scheme}://{host}:{port}")
            assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.ADDRESS_REFUSED)
    assert not sent


async def test_a_connection_cannot_be_opened_again(bench: Bench) -> None:
    """So that the library dials nothing past the guard."""
    async with raw_server(silence) as port:
        sock = await Dialler(AddressGuard(allow=["127.0.0.0/8"]), Resolver(None)).connect(
            Endpoint("127.0.0.1", port)
        )
        connection = ProbeConnection(stream=await Stream.open(sock, None, ""), port=port)
        await connection.log_in()
        connection.close()
        with pytest.raises(RedisConnectionError, match="opened once"):
            await connection.ask("PING")


async def test_a_rotated_password(bench: Bench, redis: RedisServers) -> None:
    spec = RedisProbe(url_secret_ref=REF)
    bench.secrets.put("redis", url=f"redis://:old@127.0.0.1:{redis.master}")
    assert (await bench.ask(spec)).reason is Reason.AUTH
    bench.secrets.put("redis", url=redis.url())
    bench.advance(2)
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
