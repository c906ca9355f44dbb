"""The postgres probe against a real primary and its replica."""

import os
import signal
import time

import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import PostgresProbe
from resilience_operator.core.model import ProbeResult, Verdict
from tests.integration.probes.conftest import Bench
from tests.integration.probes.postgres_servers import PASSWORD, PostgresServers
from tests.integration.probes.processes import wait_until

REF = SecretKeyRef(name="pg", key="dsn")


async def ask(bench: Bench, dsn: str, timeout_seconds: float = 10, **fields: object) -> ProbeResult:
    bench.secrets.put("pg", dsn=dsn)
    bench.prober.invalidate("retail", "pg")
    spec = PostgresProbe(dsn_secret_ref=REF, **fields)
    return await bench.ask(spec, timeout_seconds)


async def test_healthy(bench: Bench, postgres: PostgresServers) -> None:
    for more in ("", "sslmode=require", "sslmode=disable", "target_session_attrs=read-write"):
        result = await ask(bench, postgres.dsn(more=more), read_write=True)
        assert (result.verdict, result.reason) == (Verdict.HEALTHY, None), result
        assert result.latency_ms > 0


async def test_url_and_several_hosts(bench: Bench, postgres: PostgresServers) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{postgres.replica},localhost:{postgres.primary}"
    url = f"postgresql://probe:{PASSWORD}@{hosts}/postgres?target_session_attrs=read-write"
    result = await ask(bench, url, read_write=True)
    assert result.verdict is Verdict.HEALTHY, result


@pytest.mark.parametrize(
    ("user", "more", "fields", "reason"),
    [
        ("nobody", "", {}, Reason.AUTH),
        ("unwelcome", "", {}, Reason.AUTH),
        ("limited", "", {}, Reason.REFUSED),
        ("readonly", "", {"read_write": True}, Reason.READ_ONLY),
        ("probe", "dbname=absent", {}, Reason.NOT_FOUND),
        ("probe", "password=wrong", {}, Reason.AUTH),
        ("probe", "password=''", {}, Reason.AUTH),
        ("probe", "port=1", {}, Reason.REFUSED),
        ("probe", "host=no-such-host.invalid", {}, Reason.DNS),
        ("probe", "sslmode=verify-full", {}, Reason.TLS),
        ("probe", "", {"query": "SELECT * FROM absent"}, Reason.QUERY),
        ("probe", "", {"query": "SELECT 1/0"}, Reason.QUERY),
        ("probe", "", {"query": "SELECT rolpassword FROM pg_authid"}, Reason.QUERY),
        ("probe", "", {"query": "INSERT INTO stock VALUES (1)"}, Reason.QUERY),
        ("probe", "", {"query": "SELECT 1; COMMIT; INSERT INTO stock VALUES (1)"}, Reason.QUERY),
        ("probe", "", {"query": "SELECT nextval('absent')"}, Reason.QUERY),
    ],
)
async def test_failures(
    bench: Bench,
    postgres: PostgresServers,
    user: str,
    more: str,
    fields: dict[str, object],
    reason: Reason,
) -> None:
    result = await ask(bench, postgres.dsn(user, more=more), **fields)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, reason), result
    assert not bench.faults


async def test_no_query_writes(bench: Bench, postgres: PostgresServers) -> None:
    with postgres.admin() as admin:
        admin.execute("CREATE SEQUENCE IF NOT EXISTS counted; GRANT ALL ON counted TO probe")
        before = admin.execute("SELECT count(*) FROM stock").fetchone()
        for query in ("SELECT nextval('counted')", "COMMIT", "SET TRANSACTION READ WRITE"):
            result = await ask(bench, postgres.dsn(), query=query)
            assert result.reason is Reason.QUERY, (query, result)
        assert admin.execute("SELECT count(*) FROM stock").fetchone() == before


async def test_rows_are_not_read(bench: Bench, postgres: PostgresServers) -> None:
    query = "SELECT repeat('x', 1000) FROM generate_series(1, 100000)"
    result = await ask(bench, postgres.dsn(), query=query)
    assert result.verdict is Verdict.HEALTHY, result


async def test_a_query_that_takes_too_long(bench: Bench, postgres: PostgresServers) -> None:
    result = await ask(bench, postgres.dsn(), 1, query="SELECT pg_sleep(60)")
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, Reason.TIMEOUT), result
    with postgres.admin() as admin:
        sleeping = "SELECT 1 FROM pg_stat_activity WHERE usename = 'probe' AND state = 'active'"
        wait_until(lambda: admin.execute(sleeping).fetchone() is None, "the end of the query", 10)


async def test_a_replica(bench: Bench, postgres: PostgresServers) -> None:
    dsn = postgres.dsn(port=postgres.replica)
    assert (await ask(bench, dsn)).verdict is Verdict.HEALTHY
    assert (await ask(bench, dsn, read_write=True)).reason is Reason.READ_ONLY
    both = postgres.dsn(port=postgres.replica, more="target_session_attrs=read-write")
    assert (await ask(bench, both)).reason is Reason.READ_ONLY
    only = postgres.dsn(more="target_session_attrs=standby")
    assert (await ask(bench, only)).reason is Reason.ROLE


async def test_lag(bench: Bench, postgres: PostgresServers) -> None:
    dsn = postgres.dsn(port=postgres.replica)
    behind = "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"
    level = "SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"
    with postgres.admin() as primary, postgres.admin(postgres.replica) as replica:
        primary.execute("INSERT INTO stock VALUES (1)")
        wait_until(lambda: bool((replica.execute(level).fetchone() or [0])[0]), "replay")
        idle = await ask(bench, dsn, max_replication_lag_seconds=0)
        assert idle.verdict is Verdict.HEALTHY, idle
        replica.execute("SELECT pg_wal_replay_pause()")
        try:
            primary.execute("INSERT INTO stock VALUES (2)")
            wait_until(lambda: bool((replica.execute(behind).fetchone() or [0])[0]), "lag")
            late = await ask(bench, dsn, max_replication_lag_seconds=0)
        finally:
            replica.execute("SELECT pg_wal_replay_resume()")
    assert (late.verdict, late.reason) == (Verdict.UNHEALTHY, Reason.LAG), late
    assert (
        await ask(bench, postgres.dsn(), max_replication_lag_seconds=0)
    ).verdict is Verdict.HEALTHY


async def test_the_session_is_kept_and_replaced_when_cut(
    bench: Bench, postgres: PostgresServers
) -> None:
    spec = PostgresProbe(dsn_secret_ref=REF)
    bench.secrets.put("pg", dsn=postgres.dsn(more="application_name=kept"))
    with postgres.admin() as admin:
        pids = "SELECT pid FROM pg_stat_activity WHERE application_name = 'kept'"
        for _ in range(3):
            assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        (kept,) = admin.execute(pids).fetchall()
        admin.execute("SELECT pg_terminate_backend(%s)", kept)
        wait_until(lambda: not admin.execute(pids).fetchall(), "the end of the session")
        assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
        (fresh,) = admin.execute(pids).fetchall()
        assert fresh != kept
        await bench.prober.forget("retail", spec)
        wait_until(lambda: not admin.execute(pids).fetchall(), "the end of the session")


async def test_a_kept_session_with_a_server_that_hangs(
    bench: Bench, postgres: PostgresServers
) -> None:
    spec = PostgresProbe(dsn_secret_ref=REF)
    bench.secrets.put("pg", dsn=postgres.dsn(more="application_name=hung"))
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY
    with postgres.admin() as admin:
        row = admin.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'hung'")
        pid = int(str((row.fetchone() or [0])[0]))
        os.kill(pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            result = await bench.ask(spec, 1)
            took = time.monotonic() - started
        finally:
            os.kill(pid, signal.SIGCONT)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, Reason.TIMEOUT), result
    assert took < 2
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY


async def test_a_session_that_is_ended_during_the_query(
    bench: Bench, postgres: PostgresServers
) -> None:
    query = """SELECT pg_terminate_backend(pg_backend_pid())"""
    result = await ask(bench, postgres.dsn(), query=query)
    assert (result.verdict, result.reason) == (Verdict.UNHEALTHY, Reason.RESET), result


async def test_a_rotated_password_is_picked_up_in_the_same_run(
    bench: Bench, postgres: PostgresServers
) -> None:
    spec = PostgresProbe(dsn_secret_ref=REF)
    bench.secrets.put("pg", dsn=postgres.dsn(more="password=old"))
    assert (await bench.ask(spec)).reason is Reason.AUTH
    bench.secrets.put("pg", dsn=postgres.dsn())
    bench.advance(2)
    assert (await bench.ask(spec)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    "more", ["sslcert=/etc/passwd", "passfile=/etc/passwd", "service=x", "host=/run", "port=0"]
)
async def test_a_connection_string_that_is_refused(
    bench: Bench, postgres: PostgresServers, more: str
) -> None:
    result = await ask(bench, postgres.dsn(more=more))
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, Reason.SECRET_INVALID), result
