"""Regular expressions of policies, matched without a chance to stop the operator.

A tenant's pattern on a server's body is hostile on both sides. RE2 matches in linear time, in
bounded memory, and without holding the interpreter's lock, so a thread is enough. Linear can
still be a second of work for 64 KiB, so a pattern that turns out to be costly is not run again.
"""

import asyncio
import time
from typing import Protocol, cast

import re2

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.probes.base import Unknowable

MAX_PROGRAM_BYTES = 1 << 16
MAX_CPU_SECONDS = 0.25


class Regexp(Protocol):
    """A compiled pattern."""

    def search(self, text: bytes) -> object | None:
        """Find the first match anywhere in `text`."""
        ...


class BodyRegexp:
    """One pattern of one probe."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._compiled: Regexp | None = None
        self._costly = False

    async def matches(self, body: bytes) -> bool:
        """Whether it matches anywhere in `body`; Unknowable when it is none, or too costly."""
        found = False
        if not self._costly:
            found = await asyncio.to_thread(self._match, body)
        if self._costly:
            raise Unknowable(FailureReason.CONFIG_INVALID, "bodyRegexp takes too long to match.")
        return found

    def _match(self, body: bytes) -> bool:
        if self._compiled is None:
            self._compiled = _compile(self._pattern)
        started = time.thread_time()
        found = self._compiled.search(body) is not None
        self._costly = time.thread_time() - started > MAX_CPU_SECONDS
        return found


def _compile(pattern: str) -> Regexp:
    options = re2.Options()
    options.max_mem = MAX_PROGRAM_BYTES
    options.log_errors = False
    try:
        return cast(Regexp, re2.compile(pattern.encode(), options))
    except re2.error:
        raise Unknowable(
            FailureReason.CONFIG_INVALID,
            "bodyRegexp is not a regular expression in RE2's syntax, or it is too large.",
        ) from None
