"""PostgreSQL connection strings out of a Secret, reduced to what may be in one.

libpq's own parser reads them, so every spelling it knows is understood. What is allowed is a
list: a string may name no file (certificates, password and service files are read by the
operator, not by the tenant), no socket folder, and no address that the guard has not seen.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from resilience_operator.probes.dial import Endpoint
from resilience_operator.probes.secrets import SecretInvalid

DEFAULT_PORT = 5432
MAX_HOSTS = 8

ALLOWED = frozenset(
    {
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "host",
        "options",
        "password",
        "port",
        "sslmode",
        "sslnegotiation",
        "target_session_attrs",
        "user",
    }
)
_VERIFYING = ("verify-ca", "verify-full")
_SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where to connect, in the order to try, and with what parameters."""

    endpoints: tuple[Endpoint, ...]
    parameters: dict[str, str] = field(repr=False)


def parse_dsn(text: str) -> Dsn:
    """Parse and check; `SecretInvalid` says what is wrong without quoting a value."""
    try:
        parameters = {key: str(value) for key, value in conninfo_to_dict(text).items()}
    except ProgrammingError:
        raise SecretInvalid("The connection string cannot be parsed.") from None
    refused = sorted(parameters.keys() - ALLOWED)
    if refused:
        raise SecretInvalid(f"The connection string may not set {refused[0]}.")
    if not parameters.get("user"):
        raise SecretInvalid("The connection string names no user.")
    endpoints = _endpoints(parameters.pop("host", ""), parameters.pop("port", ""))
    return Dsn(endpoints, {**parameters, **_own_parameters(parameters.get("sslmode", ""))})


def _endpoints(host: str, port: str) -> tuple[Endpoint, ...]:
    hosts = host.split(",")
    if any(not name or name.startswith(("/", "@")) for name in hosts):
        raise SecretInvalid("The connection string must name a host, and no socket folder.")
    ports = port.split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts) or len(hosts) > MAX_HOSTS:
        raise SecretInvalid(
            f"The connection string must have as many ports as hosts, and at most {MAX_HOSTS}."
        )
    return tuple(Endpoint(n, _port(p)) for n, p in zip(hosts, ports, strict=True))


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65_536:
        return int(text)
    raise SecretInvalid("The port in the connection string must be from 1 to 65535.")


def _own_parameters(sslmode: str) -> dict[str, str]:
    """What keeps libpq from reading files in a home directory that happen to be there."""
    own = {"passfile": "/nonexistent/pgpass", "gssencmode": "disable", "sslcertmode": "disable"}
    if sslmode in _VERIFYING:
        # Python's idea of the system's trust; the library bundled with the driver has its own.
        bundle = ssl.get_default_verify_paths().cafile or _SYSTEM_BUNDLE
        own["sslrootcert"] = bundle if Path(bundle).exists() else "system"
    return own
