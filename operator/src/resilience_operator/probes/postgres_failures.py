"""What PostgreSQL's errors mean, in our own words.

An error of a running session carries a SQLSTATE. One of a session that did not come about does
not: libpq gives a text only, in which the wording of the server and of the C library is looked
for. That text is matched and never shown.
"""

import re

import psycopg

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import ProbeFailure, Unhealthy, Unknowable
from resilience_operator.probes.secrets import SecretInvalid

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")

# The longest prefix of a SQLSTATE decides.
_BY_STATE = {
    "08": (Reason.RESET, "The server closed the session."),
    "25006": (Reason.QUERY, "The query would write; it runs in a read-only transaction."),
    "28": (Reason.AUTH, "The user or the password was not accepted."),
    "3D000": (Reason.NOT_FOUND, "There is no such database."),
    "42501": (Reason.QUERY, "The user may not run the query."),
    "53300": (Reason.REFUSED, "The server has no connection left."),
    "57014": (Reason.TIMEOUT, "The query took longer than the probe may."),
    "57P01": (Reason.RESET, "The server is shutting down."),
    "57P02": (Reason.RESET, "The server crashed."),
    "57P03": (Reason.REFUSED, "The server is starting or stopping and takes no sessions."),
}

# In this order: the first text that is found decides.
_BY_TEXT = (
    ("too many clients", Reason.REFUSED, "The server has no connection left."),
    ("too many connections", Reason.REFUSED, "The server has no connection left."),
    ("remaining connection slots", Reason.REFUSED, "The server has no connection left."),
    ("the database system is", Reason.REFUSED, "The server is starting or stopping."),
    ("password authentication failed", Reason.AUTH, "The user or password was not accepted."),
    ("no password supplied", Reason.AUTH, "The server wants a password."),
    ("pg_hba.conf", Reason.AUTH, "The server's rules do not admit this user from here."),
    ("expected authentication", Reason.PROTOCOL, "The server does not answer like a PostgreSQL."),
    ("authentication", Reason.AUTH, "The user could not be authenticated."),
    ("not permitted to log in", Reason.AUTH, "The user may not log in."),
    ("permission denied", Reason.AUTH, "The user may not use this database."),
    ("certificate", Reason.TLS, "The server's certificate is not trusted."),
    ("ssl", Reason.TLS, "No TLS session could be agreed on with the server."),
    ("session is read-only", Reason.READ_ONLY, "No server takes writes."),
    ("is in hot standby mode", Reason.READ_ONLY, "No server takes writes."),
    ("session is not read-only", Reason.ROLE, "No server is a replica."),
    ("not in hot standby mode", Reason.ROLE, "No server is a replica."),
    ("connection refused", Reason.REFUSED, "The connection was refused."),
    ("no route to host", Reason.REFUSED, "The host cannot be reached."),
    ("timeout expired", Reason.TIMEOUT, "The connection timed out."),
    ("timed out", Reason.TIMEOUT, "The connection timed out."),
    ("closed the connection", Reason.RESET, "The server closed the connection."),
    ("connection reset", Reason.RESET, "The server closed the connection."),
    ("broken pipe", Reason.RESET, "The server closed the connection."),
    ("invalid response", Reason.PROTOCOL, "The server does not answer like a PostgreSQL."),
    ("protocol", Reason.PROTOCOL, "The server does not answer like a PostgreSQL."),
)
_OURS = ("network is unreachable", "cannot assign requested address", "too many open files")
# What the driver finds wrong with the connection string before it dials.
_WRONG_VALUE = re.compile(
    r"connection is bad: (?:invalid (\w+) value|weak (sslmode))|bad value for (connect_timeout)"
)
# Before each error of several attempts. What is in it is the tenant's: a host may be named ssl.
_ATTEMPT = re.compile(r"^- host: .*, port: .*, hostaddr: '[^']*': ", re.MULTILINE)
_NO_DATABASE = re.compile(r'database ".*" does not exist', re.DOTALL)


def of_session(error: psycopg.Error) -> ProbeFailure:
    """Say what an error of a running session means."""
    state = error.sqlstate
    if state is None or not _SQLSTATE.fullmatch(state):
        return of_connection(error)
    for prefix in (state, state[:2]):
        if prefix in _BY_STATE:
            return Unhealthy(*_BY_STATE[prefix])
    return Unhealthy(Reason.QUERY, f"The query failed with SQLSTATE {state}.")


def of_connection(error: psycopg.Error) -> ProbeFailure:
    """Say what kept a session from coming about, or ended it."""
    if wrong := _WRONG_VALUE.match(str(error)):
        key = next(filter(None, wrong.groups()))
        return SecretInvalid(f"The connection string's value of {key} is not one that it can have.")
    attempts = _ATTEMPT.split(str(error))
    theirs = [text.lower() for text in attempts[1:] or attempts if not _is_ours(text)]
    if not theirs:
        return Unknowable(Reason.LOCAL_NETWORK, "This operator cannot dial: its network fails.")
    text = "\n".join(theirs)
    if _NO_DATABASE.search(text):
        return Unhealthy(Reason.NOT_FOUND, "There is no such database.")
    for found, reason, sentence in _BY_TEXT:
        if found in text:
            return Unhealthy(reason, sentence)
    if "fatal" in text:
        return Unhealthy(Reason.AUTH, "The server refused the session.")
    return Unhealthy(Reason.RESET, "The session with the server failed.")


def _is_ours(text: str) -> bool:
    return any(ours in text.lower() for ours in _OURS)
