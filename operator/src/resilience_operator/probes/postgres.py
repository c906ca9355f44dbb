"""PostgreSQL: a query that must succeed, and when asked writability and the replication lag.

The query is the tenant's. It runs as the only statement of its message, in a read-only
transaction with a time limit, under a cursor that runs to its end without sending one row.
"""

import asyncio
import contextlib
import math
import os
import socket
import traceback
from collections.abc import Coroutine

import psycopg
from psycopg.conninfo import make_conninfo

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import PostgresProbe
from resilience_operator.probes.base import Exchange, ProbeFailure, SecretValues, Unhealthy
from resilience_operator.probes.dsn import Dsn, parse_dsn
from resilience_operator.probes.postgres_failures import of_connection, of_session
from resilience_operator.probes.secrets import secret_text
from resilience_operator.probes.sessions import KeptSession
from resilience_operator.probes.toolkit import Toolkit

Session = psycopg.AsyncConnection[tuple[object, ...]]

IS_READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery()"

# On a primary 0. On a replica 0 as well when it is connected and has replayed all it received:
# the time of the last replayed transaction says nothing then, because the primary may be idle.
LAG_SECONDS = """
SELECT CASE
  WHEN NOT pg_is_in_recovery() THEN 0
  WHEN EXISTS (SELECT FROM pg_stat_wal_receiver)
       AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
  ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0)
END::float8
"""


def build(spec: PostgresProbe, kit: Toolkit) -> "Postgres":
    """Make the probe."""
    return Postgres(spec, kit)


class Postgres:
    """Keeps one session."""

    def __init__(self, spec: PostgresProbe, kit: Toolkit) -> None:
        self._spec = spec
        self._kit = kit
        self._session: KeptSession[Session] = KeptSession(_close)
        self.secret_names = (spec.dsn_secret_ref.name,)

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Read the connection string."""
        text = secret_text(secrets, self._spec.dsn_secret_ref)
        dsn = parse_dsn(text)

        async def use(session: Session) -> str:
            return await _to_the_end(session, self._examine(session, timeout_seconds))

        return lambda: self._session.run(text, lambda: self._dial(dsn, timeout_seconds), use)

    async def aclose(self) -> None:
        """Close the session."""
        self._session.close()

    async def _dial(self, dsn: Dsn, timeout_seconds: float) -> Session:
        places = await self._places(dsn)
        hosts, addresses, ports = (",".join(column) for column in zip(*places, strict=True))
        parameters = dict(dsn.parameters)
        if len(places) > 1:
            # So that a host that does not answer leaves time for the next one.
            share = max(2, math.ceil(timeout_seconds / len(places)))
            parameters.setdefault("connect_timeout", str(share))
        target = make_conninfo("", host=hosts, hostaddr=addresses, port=ports, **parameters)
        try:
            return await psycopg.AsyncConnection.connect(
                target, autocommit=True, prepare_threshold=None
            )
        except psycopg.Error as error:
            raise of_connection(error) from None
        except asyncio.CancelledError as cancelled:
            # The half-open connection is held by the driver's frames, and those by the exception.
            traceback.clear_frames(cancelled.__traceback__)
            raise

    async def _places(self, dsn: Dsn) -> list[tuple[str, str, str]]:
        """Host, checked address and port of everything that may be dialled, in order."""
        places: list[tuple[str, str, str]] = []
        failure: ProbeFailure | None = None
        # All at once: the time that one takes to fail is not the others'.
        lookups = map(self._kit.dialler.addresses, dsn.endpoints)
        found = await asyncio.gather(*lookups, return_exceptions=True)
        for endpoint, infos in zip(dsn.endpoints, found, strict=True):
            if isinstance(infos, ProbeFailure):
                failure = infos
            elif isinstance(infos, BaseException):
                raise infos
            else:
                places += [(endpoint.host, str(i[4][0]), str(endpoint.port)) for i in infos]
        if failure is not None and not places:
            raise failure
        return places

    async def _examine(self, session: Session, timeout_seconds: float) -> str:
        spec = self._spec
        try:
            if spec.read_write and await _value(session, IS_READ_ONLY):
                raise Unhealthy(Reason.READ_ONLY, "The server is read-only.")
            if spec.max_replication_lag_seconds is not None:
                check_lag(await _value(session, LAG_SECONDS), spec.max_replication_lag_seconds)
            milliseconds = math.ceil(timeout_seconds * 1000)
            await session.execute(
                f"BEGIN READ ONLY; SET LOCAL statement_timeout = {milliseconds:d}".encode()
            )
            declare = f"DECLARE probe NO SCROLL CURSOR FOR {spec.query}".encode()
            # `binary` selects the protocol in which a message holds exactly one statement.
            await session.cursor().execute(declare, binary=True)
            await session.execute("MOVE ALL IN probe")
            await session.execute("ROLLBACK")
        except psycopg.Error as error:
            raise of_session(error) from None
        return "The query succeeded."


def check_lag(lag: object, limit: int) -> None:
    """Compare the seconds that the server reports with the limit."""
    if not isinstance(lag, float):
        raise Unhealthy(Reason.PROTOCOL, "The server does not tell its replication lag.")
    if lag > limit:
        raise Unhealthy(Reason.LAG, f"Replication is {int(lag)} s behind, over {limit} s.")


async def _value(session: Session, query: str) -> object:
    row = await (await session.execute(query.encode())).fetchone()
    return row[0] if row else None


async def _to_the_end(session: Session, work: Coroutine[None, None, str]) -> str:
    """Run `work` so that a cancellation cuts the connection instead of reaching the driver.

    The driver answers a cancellation by asking the server, over a connection of its own, to stop
    the query, and waits for that: with a server that does not answer, far beyond the deadline.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _cut(session)
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise


def _cut(session: Session) -> None:
    """End the connection under the driver, which finds out at its next read."""
    if session.closed:
        return
    with socket.socket(fileno=os.dup(session.fileno())) as sock, contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _close(session: Session) -> None:
    """Close at once: what the driver's own `close` does, which needs no waiting either."""
    session.pgconn.finish()
