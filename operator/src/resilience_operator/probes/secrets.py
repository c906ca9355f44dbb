"""Secrets as probes use them: cached, so that thousands of probes do not read one each.

A value is kept for about five minutes; the absence of a Secret, or of the right to read it, for
five seconds. While a reread fails because the API server does, the old value stays in use: fail
static. One read at a time per Secret, however many probes wait for it.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core.errors import Forbidden
from resilience_operator.probes.base import SecretReader, SecretValues, Unknowable

TTL_SECONDS = 300.0
MISSING_TTL_SECONDS = 5.0
# A Secret that was read less than this ago is not read again to confirm a failed login.
REREAD_SECONDS = 1.0
# Less than the pool's patience with a probe: while a read hangs, the old value has to serve.
READ_TIMEOUT_SECONDS = 4.0
# While reads hang, the connections to the API server are not to be all theirs: the lease and the
# writes go over the same hundred.
READS_AT_ONCE = 32
# Longer than any probe's interval: the policy of a Secret that is not asked for in it is gone.
UNUSED_SECONDS = 7200.0
MAX_ENTRIES = 50_000


class SecretMissing(Unknowable):
    """A Secret that a probe refers to is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(FailureReason.SECRET_MISSING, f"There is no Secret {name!r}.")


class SecretForbidden(Unknowable):
    """A Secret that a probe refers to may not be read: no role of its namespace allows it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            FailureReason.SECRET_MISSING,
            f"The operator may not get the Secret {name!r}: allow it with a RoleBinding.",
        )


class SecretInvalid(Unknowable):
    """A Secret is there but does not hold what the probe needs."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureReason.SECRET_INVALID, message)


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    data: Mapping[str, bytes] | None = None
    forbidden: bool = False
    used_at: float = float("-inf")
    read_at: float = float("-inf")
    expires_at: float = float("-inf")


class CachedSecrets:
    """A `SecretReader` with a memory."""

    def __init__(
        self,
        reader: SecretReader,
        now: Callable[[], float],
        *,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._reader = reader
        self._now = now
        self._uniform = uniform
        self._slots = asyncio.Semaphore(READS_AT_ONCE)
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()  # by their last use

    async def values(self, namespace: str, names: tuple[str, ...]) -> SecretValues:
        """Return the data of each Secret, from memory while it is fresh."""
        return {name: await self._get(namespace, name, self._now()) for name in names}

    async def reread(self, namespace: str, names: tuple[str, ...]) -> SecretValues:
        """Return the data of each Secret, read anew unless that was done a moment ago."""
        cutoff = self._now() - REREAD_SECONDS
        for name in names:
            entry = self._entries.get((namespace, name))
            if entry is not None and entry.read_at <= cutoff:
                self.invalidate(namespace, name)
        return await self.values(namespace, names)

    def invalidate(self, namespace: str, name: str) -> None:
        """Read this Secret anew at its next use."""
        entry = self._entries.get((namespace, name))
        if entry is not None:
            entry.expires_at = float("-inf")

    async def _get(self, namespace: str, name: str, now: float) -> Mapping[str, bytes]:
        entry = self._entry(namespace, name, now)
        if now >= entry.expires_at:
            async with entry.lock:
                if now >= entry.expires_at:
                    await self._refresh(entry, namespace, name)
        if entry.data is None:
            raise SecretForbidden(name) if entry.forbidden else SecretMissing(name)
        return entry.data

    async def _refresh(self, entry: _Entry, namespace: str, name: str) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_SECONDS), self._slots:
                data = await self._reader.read(namespace, name)
        except Exception as error:
            entry.forbidden = isinstance(error, Forbidden)
            if entry.data is None and not entry.forbidden:
                raise
            entry.expires_at = self._now() + MISSING_TTL_SECONDS
            return
        # Jitter spreads the rereads of Secrets that were first read together, at start.
        ttl = TTL_SECONDS * (0.8 + 0.4 * self._uniform()) if data else MISSING_TTL_SECONDS
        entry.data = data
        entry.forbidden = False
        entry.read_at = self._now()
        entry.expires_at = entry.read_at + ttl

    def _entry(self, namespace: str, name: str, now: float) -> _Entry:
        key = (namespace, name)
        entry = self._entries.get(key)
        if entry is None:
            self._make_room(now)
            entry = self._entries[key] = _Entry()
        entry.used_at = now
        self._entries.move_to_end(key)
        return entry

    def _make_room(self, now: float) -> None:
        """Keep no credentials that nobody uses, and not too many."""
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if len(self._entries) < MAX_ENTRIES and now < oldest.used_at + UNUSED_SECONDS:
                return
            self._entries.popitem(last=False)


def secret_bytes(secrets: SecretValues, ref: SecretKeyRef) -> bytes:
    """Return the value that `ref` names; `SecretInvalid` when it is absent or empty."""
    value = secrets[ref.name].get(ref.key)
    if not value:
        raise SecretInvalid(f"Secret {ref.name!r} has no value under the key {ref.key!r}.")
    return value


def secret_text(secrets: SecretValues, ref: SecretKeyRef) -> str:
    """Return the value as one line of text, without the line break that editors add."""
    try:
        text = secret_bytes(secrets, ref).decode().strip()
    except UnicodeDecodeError:
        raise SecretInvalid(f"Key {ref.key!r} of Secret {ref.name!r} is not text.") from None
    if not text or not text.isprintable():
        raise SecretInvalid(f"Key {ref.key!r} of Secret {ref.name!r} is not one line of text.")
    return text
