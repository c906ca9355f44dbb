"""Regular expressions of policies, matched without a chance to stop the operator.

A tenant's pattern on a server's body is hostile on both sides. RE2 matches in linear time, in
bounded memory, and without holding the interpreter's lock, so a thread is enough.
"""

import asyncio
from functools import lru_cache
from typing import Protocol, cast

import re2

from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.probes.base import Unknowable

MAX_PROGRAM_BYTES = 1 << 20


class Regexp(Protocol):
    """A compiled pattern."""

    def search(self, text: bytes) -> object | None:
        """Find the first match anywhere in `text`."""
        ...


async def matches(pattern: str, body: bytes) -> bool:
    """Whether `pattern` matches anywhere in `body`; Unknowable when it is no pattern."""
    return await asyncio.to_thread(_matches, pattern, body)


def _matches(pattern: str, body: bytes) -> bool:
    return _compile(pattern).search(body) is not None


@lru_cache(maxsize=256)
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
