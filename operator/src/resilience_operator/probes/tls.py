"""TLS contexts, built once per set of certificates: a context costs up to 100 ms.

The contexts are kept by a digest of what they were built from, so a Secret that is rotated gets
a new one, and the old one goes when it is the least recently used.
"""

import asyncio
import hashlib
import os
import ssl
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.probes import TlsOptions
from resilience_operator.probes.base import SecretValues
from resilience_operator.probes.secrets import SecretInvalid, secret_bytes
from resilience_operator.probes.together import Together

MAX_CONTEXTS = 512


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What a context is built from: PEM texts, each absent for the default."""

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def without_client(self) -> "TlsMaterial":
        """The same trust, without showing who we are."""
        return TlsMaterial(ca=self.ca)


def material_of(options: TlsOptions | None, secrets: SecretValues) -> TlsMaterial:
    """Read what the options refer to; `SecretInvalid` when it is absent."""
    if options is None:
        return TlsMaterial()
    ca = secret_bytes(secrets, options.ca_secret_ref) if options.ca_secret_ref else None
    if options.client_secret_ref is None:
        return TlsMaterial(ca=ca)
    name = options.client_secret_ref.name
    return TlsMaterial(
        ca=ca,
        certificate=secret_bytes(secrets, SecretKeyRef(name=name, key="tls.crt")),
        key=secret_bytes(secrets, SecretKeyRef(name=name, key="tls.key")),
    )


def secret_names(options: TlsOptions | None) -> tuple[str, ...]:
    """The Secrets that the options refer to."""
    refs = () if options is None else (options.ca_secret_ref, options.client_secret_ref)
    return tuple(ref.name for ref in refs if ref is not None)


def expiry_warning(options: TlsOptions | None, certificate: object, now: float) -> str:
    """A sentence when the peer's certificate expires within `warnDays`, otherwise nothing."""
    if options is None or not options.warn_days or not isinstance(certificate, dict):
        return ""
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - now) // 86_400)
    return f" The certificate expires in {days} days." if days < options.warn_days else ""


class TlsContexts:
    """A bounded store of contexts."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()
        # At a start a thousand probes want the same one before the first has it.
        self._builds: Together[bytes, ssl.SSLContext] = Together()

    async def get(self, material: TlsMaterial) -> ssl.SSLContext:
        """Return a context that verifies chain and name; `SecretInvalid` for a bad PEM."""
        digest = hashlib.sha256(repr(material).encode()).digest()
        context = self._contexts.get(digest)
        if context is None:
            context = await self._builds.do(digest, partial(asyncio.to_thread, _build, material))
            self._contexts[digest] = context
            if len(self._contexts) > MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(digest)
        return context


def _build(material: TlsMaterial) -> ssl.SSLContext:
    try:
        ca = None if material.ca is None else material.ca.decode("ascii")
        context = ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError):
        raise SecretInvalid("The Secret with the CA does not hold a PEM certificate.") from None
    if material.certificate is None or material.key is None:
        return context
    try:
        with _as_path(material.certificate) as certificate, _as_path(material.key) as key:
            # The empty password keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError):
        raise SecretInvalid(
            "The Secret with the client certificate does not hold a PEM certificate "
            "and its unencrypted key."
        ) from None
    return context


@contextmanager
def _as_path(data: bytes) -> Iterator[str]:
    """A path for the few calls that read files only, without the data reaching a disk."""
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
