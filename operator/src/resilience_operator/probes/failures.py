"""What went wrong in the network, from the standard library's exceptions to our closed set.

Only the kind of an exception is used, never its text: that may come from the other side.
"""

import errno
import ssl

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.probes.base import ProbeFailure, Unhealthy, Unknowable

# Ours: no route at all, no file descriptors, no ports, no buffers.
_LOCAL = {
    errno.ENETUNREACH: "This operator has no route to the network of the host.",
    errno.ENETDOWN: "The network of this operator is down.",
    errno.EAFNOSUPPORT: "This operator has no network of the kind of the host's address.",
    errno.EADDRNOTAVAIL: "This operator has no local port or address left to dial from.",
    errno.EMFILE: "This operator has no file descriptor left.",
    errno.ENFILE: "The node of this operator has no file descriptor left.",
    errno.ENOBUFS: "This operator has no network buffers left.",
    errno.ENOMEM: "This operator has no memory left for a connection.",
    errno.EPERM: "This operator's node does not let it dial the host.",
    errno.EACCES: "This operator's node does not let it dial the host.",
}
_CLOSED_EARLY = "The server closed the connection before it had answered."
_THEIRS = {
    errno.ECONNRESET: (Reason.RESET, _CLOSED_EARLY),
    errno.ECONNABORTED: (Reason.RESET, _CLOSED_EARLY),
    errno.EPIPE: (Reason.RESET, _CLOSED_EARLY),
    errno.ECONNREFUSED: (Reason.REFUSED, "The connection was refused."),
    errno.EHOSTUNREACH: (Reason.REFUSED, "The host cannot be reached."),
    errno.EHOSTDOWN: (Reason.REFUSED, "The host is down."),
    errno.ETIMEDOUT: (Reason.TIMEOUT, "The connection timed out."),
}

# OpenSSL's X509_V_ERR_* codes.
_CERTIFICATE = {
    9: "The server's certificate is not valid yet.",
    10: "The server's certificate has expired.",
    18: "The server's certificate is self-signed and not trusted.",
    19: "The server's certificate comes from an authority that is not trusted.",
    20: "The server's certificate comes from an authority that is not trusted.",
    21: "The server's certificate comes from an authority that is not trusted.",
    23: "The server's certificate has been revoked.",
    62: "The server's certificate is for another name.",
    64: "The server's certificate is for another address.",
}


def of_network(error: BaseException) -> ProbeFailure | None:
    """Say what a dial or an exchange failed of; None when it is not a network failure."""
    if isinstance(error, ssl.SSLError):
        return of_tls(error)
    if isinstance(error, EOFError):
        return closed_early()
    if isinstance(error, OSError):
        return _of_os(error)
    return None


def closed_early() -> ProbeFailure:
    """The failure of a connection that ended before the answer did."""
    return Unhealthy(Reason.RESET, _CLOSED_EARLY)


def of_tls(error: ssl.SSLError) -> ProbeFailure:
    """Say what a TLS handshake failed of."""
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = _CERTIFICATE.get(error.verify_code, "The server's certificate is not trusted.")
        return Unhealthy(Reason.TLS, sentence)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return closed_early()
    return Unhealthy(Reason.TLS, "No TLS session could be agreed on with the server.")


def _of_os(error: OSError) -> ProbeFailure | None:
    number = error.errno
    if number is None and isinstance(error, ConnectionResetError):
        return closed_early()  # asyncio's, on writing to a connection that has ended
    if number is None:
        # Several addresses that failed for different reasons are reported without a number.
        return Unhealthy(Reason.REFUSED, "None of the host's addresses accepted a connection.")
    if number in _LOCAL:
        return Unknowable(Reason.LOCAL_NETWORK, _LOCAL[number])
    if number in _THEIRS:
        reason, sentence = _THEIRS[number]
        return Unhealthy(reason, sentence)
    return None
