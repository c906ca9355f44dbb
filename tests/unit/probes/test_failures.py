"""From exceptions to the closed set of reasons."""

import asyncio
import errno
import ssl

import psycopg
import pytest

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.core.model import Verdict
from resilience_operator.probes.failures import of_network
from resilience_operator.probes.postgres_failures import of_connection, of_session

UNHEALTHY, UNKNOWN = Verdict.UNHEALTHY, Verdict.UNKNOWN


def untrusted(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "canary")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (OSError(errno.ECONNREFUSED, "canary"), UNHEALTHY, Reason.REFUSED),
        (OSError(errno.EHOSTUNREACH, "canary"), UNHEALTHY, Reason.REFUSED),
        (OSError(errno.ETIMEDOUT, "canary"), UNHEALTHY, Reason.TIMEOUT),
        (OSError(errno.ECONNRESET, "canary"), UNHEALTHY, Reason.RESET),
        (OSError(errno.EPIPE, "canary"), UNHEALTHY, Reason.RESET),
        (OSError("canary: several"), UNHEALTHY, Reason.REFUSED),
        (ConnectionResetError("canary"), UNHEALTHY, Reason.RESET),
        (asyncio.IncompleteReadError(b"canary", 9), UNHEALTHY, Reason.RESET),
        (ssl.SSLError(1, "canary"), UNHEALTHY, Reason.TLS),
        (ssl.SSLEOFError(8, "canary"), UNHEALTHY, Reason.RESET),
        *((untrusted(code), UNHEALTHY, Reason.TLS) for code in (9, 10, 18, 20, 23, 62, 64, 99)),
        *(
            (OSError(code, "canary"), UNKNOWN, Reason.LOCAL_NETWORK)
            for code in (errno.ENETUNREACH, errno.ENETDOWN, errno.EMFILE, errno.EADDRNOTAVAIL)
        ),
    ],
)
def test_network(error: Exception, verdict: Verdict, reason: Reason) -> None:
    failure = of_network(error)
    assert failure is not None
    assert (failure.verdict, failure.reason) == (verdict, reason)
    assert "canary" not in failure.message


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), OSError(errno.ENOENT, "x")])
def test_what_is_no_network_failure(error: Exception) -> None:
    assert of_network(error) is None


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("failed: Connection refused\n\tIs the server running", UNHEALTHY, Reason.REFUSED),
        ('FATAL:  password authentication failed for user "canary"', UNHEALTHY, Reason.AUTH),
        ("fe_sendauth: no password supplied", UNHEALTHY, Reason.AUTH),
        ('FATAL:  no pg_hba.conf entry for host "canary"', UNHEALTHY, Reason.AUTH),
        ('FATAL:  role "canary" is not permitted to log in', UNHEALTHY, Reason.AUTH),
        ("FATAL:  sorry, too many clients already", UNHEALTHY, Reason.REFUSED),
        ("FATAL:  remaining connection slots are reserved", UNHEALTHY, Reason.REFUSED),
        ("FATAL:  the database system is starting up", UNHEALTHY, Reason.REFUSED),
        ('FATAL:  database "canary" does not exist', UNHEALTHY, Reason.NOT_FOUND),
        ("SSL error: certificate verify failed", UNHEALTHY, Reason.TLS),
        ("server does not support SSL, but SSL was required", UNHEALTHY, Reason.TLS),
        ("session is read-only", UNHEALTHY, Reason.READ_ONLY),
        ("server is in hot standby mode", UNHEALTHY, Reason.READ_ONLY),
        ("server is not in hot standby mode", UNHEALTHY, Reason.ROLE),
        ("session is not read-only", UNHEALTHY, Reason.ROLE),
        ("connection timeout expired", UNHEALTHY, Reason.TIMEOUT),
        ("server closed the connection unexpectedly", UNHEALTHY, Reason.RESET),
        ("received invalid response to SSL negotiation: H", UNHEALTHY, Reason.TLS),
        ("expected authentication request from server", UNHEALTHY, Reason.PROTOCOL),
        ("FATAL:  Passwort von canary falsch", UNHEALTHY, Reason.AUTH),
        ("canary", UNHEALTHY, Reason.RESET),
        ("failed: Network is unreachable", UNKNOWN, Reason.LOCAL_NETWORK),
        ("could not create socket: Too many open files", UNKNOWN, Reason.LOCAL_NETWORK),
    ],
)
def test_postgres_connections(text: str, verdict: Verdict, reason: Reason) -> None:
    failure = of_connection(psycopg.OperationalError(text))
    assert (failure.verdict, failure.reason) == (verdict, reason)
    assert "canary" not in failure.message


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("sslmode=canary", "sslmode"),
        ("sslnegotiation=direct", "sslmode"),  # which says: prefer
        ("target_session_attrs=canary", "target_session_attrs"),
        ("channel_binding=canary", "channel_binding"),
        ("connect_timeout=canary", "connect_timeout"),
    ],
)
async def test_a_value_that_the_driver_refuses_is_the_secrets_fault(more: str, key: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await psycopg.AsyncConnection.connect(f"host=h hostaddr=127.0.0.1 port=1 user=u {more}")
    failure = of_connection(caught.value)
    assert (failure.verdict, failure.reason) == (UNKNOWN, Reason.SECRET_INVALID)
    assert f"value of {key} " in failure.message
    assert "canary" not in failure.message


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("28P01", Reason.AUTH),
        ("53300", Reason.REFUSED),
        ("57P03", Reason.REFUSED),
        ("57P01", Reason.RESET),
        ("57014", Reason.TIMEOUT),
        ("08006", Reason.RESET),
        ("3D000", Reason.NOT_FOUND),
        ("25006", Reason.QUERY),
        ("42P01", Reason.QUERY),
        ("XX000", Reason.QUERY),
    ],
)
def test_postgres_sessions(state: str, reason: Reason) -> None:
    error = psycopg.DatabaseError("canary")
    error.sqlstate = state
    failure = of_session(error)
    assert failure.reason is reason
    assert "canary" not in failure.message


def test_a_state_that_is_none_is_not_shown() -> None:
    error = psycopg.DatabaseError("canary")
    error.sqlstate = "canary"
    assert "canary" not in of_session(error).message


def several(*errors: str) -> psycopg.OperationalError:
    """What the driver says when it has tried several addresses of a host."""
    lines = (
        f"- host: 'ssl-authentication', port: '5432', hostaddr: '192.0.2.{n}': {error}"
        for n, error in enumerate(errors)
    )
    told = "Multiple connection attempts failed. All failures were:"
    return psycopg.OperationalError("\n".join((errors[-1], told, *lines)))


REFUSED = 'connection failed: connection to server at "192.0.2.1" failed: Connection refused'
NO_ROUTE = 'connection failed: connection to server at "2001:db8::1" failed: Network is unreachable'


@pytest.mark.parametrize(
    ("errors", "verdict", "reason"),
    [
        ((REFUSED, REFUSED), UNHEALTHY, Reason.REFUSED),
        ((NO_ROUTE, REFUSED), UNHEALTHY, Reason.REFUSED),
        ((REFUSED, NO_ROUTE), UNHEALTHY, Reason.REFUSED),
        ((NO_ROUTE, NO_ROUTE), UNKNOWN, Reason.LOCAL_NETWORK),
        ((REFUSED, "connection timeout expired"), UNHEALTHY, Reason.REFUSED),
    ],
)
def test_of_several_addresses_the_one_that_answers_for_the_server_counts(
    errors: tuple[str, ...], verdict: Verdict, reason: Reason
) -> None:
    failure = of_connection(several(*errors))
    assert (failure.verdict, failure.reason) == (verdict, reason)


async def test_so_does_the_drivers_own_account_of_several() -> None:
    with pytest.raises(psycopg.Error) as caught:
        await psycopg.AsyncConnection.connect(
            "host=ssl-1,authentication-2 hostaddr=127.0.0.1,127.0.0.1 port=1,1 user=u"
        )
    assert "host: 'ssl-1'" in str(caught.value)
    assert of_connection(caught.value).reason is Reason.REFUSED
